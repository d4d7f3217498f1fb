// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Sums over batches from which `evaluate` computes its results.

#include <rolewise/core/tensor.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/detail/class_elements.hpp>

#include <algorithm>
#include <cstdint>

namespace rolewise::detail {

/// Right predictions, confusion matrix and negative log-likelihood of classifications, summed on a
/// device. Without weights everything but the loss is counted in integers.
class evaluation_sums {
 public:
  evaluation_sums(std::int64_t classes, torch::Device device)
      : classes_{classes},
        confusion_{at::zeros({classes * classes}, of(torch::kLong, device))},
        near_{at::zeros({}, of(torch::kLong, device))},
        loss_{at::zeros({}, of(sum_dtype(device), device))},
        weighted_{at::zeros({3}, of(sum_dtype(device), device))}
  {}

  /// @pre logits are `[N, classes, ...]`, with a label in range for each element
  void add(const torch::Tensor& logits, const targets& wanted);

  /// Results of all batches, read from the device at once.
  struct result {
    double top1, top5, loss;
    torch::Tensor confusion;
    std::int64_t count;
  };
  [[nodiscard]] result read() const;

 private:
  [[nodiscard]] static torch::TensorOptions of(torch::ScalarType dtype, torch::Device device)
  {
    return torch::TensorOptions{}.dtype(dtype).device(device);
  }

  void require_weights_throughout(const targets& wanted);

  std::int64_t classes_;
  torch::Tensor confusion_, near_, loss_;
  torch::Tensor weighted_;  // right, among five, all
  bool is_weighted_ = false, is_begun_ = false;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/evaluation_sums.hpp>
#endif
