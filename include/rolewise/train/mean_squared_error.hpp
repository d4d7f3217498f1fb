// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The metric `mean_squared_error` of regression.

#include <rolewise/support/inline.hpp>
#include <rolewise/train/metric.hpp>

#include <string_view>

namespace rolewise {

/// Mean squared error of outputs `[N, D, ...]` against floating-point labels of the same shape, in
/// the square of their unit: the mean over all values, each of the D values of an element with the
/// weight of that element.
struct mean_squared_error {
  static constexpr std::string_view name = "mean-squared-error";
  static constexpr bool higher_is_better = false;
  static constexpr bool is_weighted_mean = true;
  static constexpr bool has_state = false;

  /// Differences are computed in at least single precision.
  /// @return `[2]`: the weighted sum over elements of the mean squared error of their D values, and
  ///         the weight of all elements
  /// @throws std::invalid_argument unless outputs and labels are of one shape and floating point,
  ///         and weights undefined, `[N]` or `[N, ...]`
  [[nodiscard]] torch::Tensor sums(const outputs& found, const targets& wanted) const;
  [[nodiscard]] torch::Tensor value(const torch::Tensor& sums) const { return sums[0] / sums[1]; }
};

static_assert(Metric<mean_squared_error>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/mean_squared_error.hpp>
#endif
