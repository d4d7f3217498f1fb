// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Deduplication of tensors that are listed under several names, such as tied weights.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <unordered_map>
#include <utility>
#include <vector>

namespace rolewise {

/// Set of tensors, identified by their memory: tied weights, listed under two names, are one
/// tensor. Code that updates or sums all tensors of a part calls `add` and skips those that are
/// not new.
class distinct_tensors {
 public:
  /// Adds a tensor and returns whether it is new: false if the first tensor added at its address
  /// has the same shape, strides and dtype. A tensor without elements is always new. Added
  /// tensors must keep their memory until the last call.
  bool add(const torch::Tensor& t) { return known_as(t) == nullptr; }

  /// Returns the first tensor added at the same address, if it has the same shape, strides and
  /// dtype; otherwise null. Adds t if its address is new.
  [[nodiscard]] const torch::Tensor* known_as(const torch::Tensor& t);

 private:
  std::unordered_map<const void*, torch::Tensor> first_;
};

/// Returns each tensor once, under the first of its names. Two distinct autograd tensors over the
/// same memory are both kept, as each has a part of the gradient.
[[nodiscard]] ROLEWISE_INLINE std::vector<named_tensor> each_once(
    std::vector<named_tensor> tensors);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/implementation/distinct_tensors.hpp>
#endif
