// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/operations_histogram.hpp>.

#include <rolewise/agent/operations_histogram.hpp>

#include <tuple>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor histograms(const torch::Tensor& values)
{
  return at::zeros({values.size(0), 256}, values.options())
      .scatter_add_(1, values, at::ones({}, values.options()).expand_as(values));
}

}  // namespace rolewise::detail

namespace rolewise::operations {

ROLEWISE_INLINE images autocontrast(const images& from)
{
  const auto values = detail::values_of(from.pixels.contiguous());
  const auto low = std::get<0>(values.min(1, true)), high = std::get<0>(values.max(1, true));
  const auto range = high - low;
  const auto scale = 255.0 / range.clamp_min(1).to(torch::kDouble);
  const auto offset = low.neg().to(torch::kDouble) * scale;
  const auto line = detail::byte_values(values);
  const auto stretched =
      (line.to(torch::kDouble) * scale).add_(offset).clamp_(0.0, 255.0).to(torch::kLong);
  return detail::looked_up(from.pixels, values, at::where(range.gt(0), stretched, line));
}

ROLEWISE_INLINE images equalize(const images& from)
{
  const auto values = detail::values_of(from.pixels.contiguous());
  const auto counts = detail::histograms(values);
  const auto highest = std::get<0>(values.max(1, true));
  const auto step = (values.size(1) - counts.gather(1, highest)).div(255, "floor");
  const auto below = counts.cumsum(1) - counts;
  const auto spread = (below + step.div(2, "floor")).div(step.clamp_min(1), "floor").clamp_max(255);
  return detail::looked_up(from.pixels, values,
                           at::where(step.gt(0), spread, detail::byte_values(values)));
}

}  // namespace rolewise::operations
