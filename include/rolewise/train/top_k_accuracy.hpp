// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The metric `top_k_accuracy`; with k = 1, the accuracy.

#include <rolewise/support/inline.hpp>
#include <rolewise/train/metric.hpp>

#include <cstdint>
#include <string>

namespace rolewise {

/// Top-k accuracy: share of the elements (examples, pixels or tokens) whose label is among the k
/// classes with the highest logits, in [0, 1]; all of them if there are no more than k classes. k =
/// 1 is the accuracy. A soft label counts as its largest class.
///
///     accuracy = sum_n w[n] [label[n] in top_k(logits[n])] / sum_n w[n]
struct top_k_accuracy {
  static constexpr bool higher_is_better = true;
  static constexpr bool is_weighted_mean = true;
  static constexpr bool has_state = false;

  std::int64_t k = 1;  ///< at least 1

  /// `accuracy`, or `top-5 accuracy` for k = 5.
  [[nodiscard]] std::string name() const
  {
    return k == 1 ? "accuracy" : "top-" + std::to_string(k) + " accuracy";
  }

  /// @return `[2]`: the weight of the elements that are right, and of all
  /// @throws std::invalid_argument unless k is at least 1, logits are `[N, C, ...]`, labels `[N,
  ///         ...]` int64 or soft with the shape of the logits, and weights undefined, `[N]` or
  ///         `[N, ...]`
  [[nodiscard]] torch::Tensor sums(const outputs& found, const targets& wanted) const;
  [[nodiscard]] torch::Tensor value(const torch::Tensor& sums) const { return sums[0] / sums[1]; }
};

static_assert(Metric<top_k_accuracy>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/top_k_accuracy.hpp>
#endif
