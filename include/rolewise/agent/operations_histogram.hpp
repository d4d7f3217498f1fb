// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Histogram operations: autocontrast and equalize.

#include <rolewise/agent/images.hpp>

#include <cstdint>
#include <tuple>

namespace rolewise {

namespace detail {

/// Histogram of each channel of each image: `[N C, 256]`, int64.
/// @param values `[N C, H W]`, int64, 0 .. 255
[[nodiscard]] inline torch::Tensor histograms(const torch::Tensor& values)
{
  return at::zeros({values.size(0), 256}, values.options())
      .scatter_add_(1, values, at::ones({}, values.options()).expand_as(values));
}

/// 0 .. 255 as int64 `[256]`.
[[nodiscard]] inline torch::Tensor byte_values(const torch::Tensor& like)
{
  return at::arange(256, like.options());
}

/// Applies a lookup table to each channel of each image.
/// @param table `[N C, 256]`, 0 .. 255
[[nodiscard]] inline images looked_up(const torch::Tensor& pixels, const torch::Tensor& values,
                                      const torch::Tensor& table)
{
  return {table.to(torch::kByte).gather(1, values).view(pixels.sizes()), {}};
}

[[nodiscard]] inline torch::Tensor values_of(const torch::Tensor& pixels)
{
  return pixels.to(torch::kLong).view({-1, pixels.size(2) * pixels.size(3)});
}

}  // namespace detail

namespace operations {

/// Stretches each channel linearly so that its lowest value becomes 0 and its highest 255:
///
///     trunc(v * 255 / (high - low) - low * 255 / (high - low))
///
/// in float64, as Pillow does. A constant channel stays unchanged. Holes become part of the
/// image, and their color counts.
[[nodiscard]] inline images autocontrast(const images& from)
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

/// Equalizes the histogram of each channel: its values spread evenly over 0 .. 255:
///
///     step = (H W - count of the highest value that occurs) / 255
///     min(255, (step / 2 + count of values below v) / step)
///
/// all divisions rounded down; step 0 (few pixels, or a channel of nearly one value) changes
/// nothing. Holes become part of the image, and their color counts.
[[nodiscard]] inline images equalize(const images& from)
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

}  // namespace operations

}  // namespace rolewise
