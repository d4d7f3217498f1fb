// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Histogram operations: autocontrast and equalize.

#include <rolewise/agent/images.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

namespace detail {

/// Histogram of each channel of each image: `[N C, 256]`, int64.
/// @param values `[N C, H W]`, int64, 0 .. 255
[[nodiscard]] ROLEWISE_INLINE torch::Tensor histograms(const torch::Tensor& values);

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
[[nodiscard]] ROLEWISE_INLINE images autocontrast(const images& from);

/// Equalizes the histogram of each channel: its values spread evenly over 0 .. 255:
///
///     step = (H W - count of the highest value that occurs) / 255
///     min(255, (step / 2 + count of values below v) / step)
///
/// all divisions rounded down; step 0 (few pixels, or a channel of nearly one value) changes
/// nothing. Holes become part of the image, and their color counts.
[[nodiscard]] ROLEWISE_INLINE images equalize(const images& from);

}  // namespace operations

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/operations_histogram.hpp>
#endif
