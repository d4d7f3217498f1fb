// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tensors that are listed under several names, told from each other by what they are.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>

#include <unordered_map>
#include <utility>
#include <vector>

namespace rolewise {

/// Tensors by the memory that they are: tied weights, which a part shows under two names, are one
/// tensor. Whatever changes or adds up all tensors of a part asks for each one whether it is new.
class distinct_tensors {
 public:
  /// Whether no tensor of the same type over the same numbers was added before. One without numbers
  /// is always new. The tensors have to live until the last call.
  bool add(const torch::Tensor& t) { return known_as(t) == nullptr; }

  /// What was added first over the same numbers, or null, and then t itself is added.
  [[nodiscard]] const torch::Tensor* known_as(const torch::Tensor& t)
  {
    if (!t.defined() || t.numel() == 0) return nullptr;
    const auto [first, is_new] = first_.try_emplace(t.const_data_ptr(), t);
    if (is_new) return nullptr;
    const auto& known = first->second;
    const bool is_same = known.sizes() == t.sizes() && known.strides() == t.strides() &&
                         known.scalar_type() == t.scalar_type();
    return is_same ? &known : nullptr;
  }

 private:
  std::unordered_map<const void*, torch::Tensor> first_;
};

/// Each tensor once, under the first of its names. Two that autograd tells apart stay two, as each
/// has a part of the gradient.
[[nodiscard]] inline std::vector<named_tensor> each_once(std::vector<named_tensor> tensors)
{
  std::vector<named_tensor> once;
  once.reserve(tensors.size());
  distinct_tensors known;
  for (auto& each : tensors) {
    const auto* const before = known.known_as(each.value);
    if (before == nullptr || !before->is_same(each.value)) once.push_back(std::move(each));
  }
  return once;
}

}  // namespace rolewise
