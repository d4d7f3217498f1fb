// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The batched hue operation, bitwise equal to Pillow's.

#include <rolewise/agent/detail/per_sample.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

namespace detail {

/// Converts to uint8: clamps to 0 .. 255 and truncates.
[[nodiscard]] inline torch::Tensor cut_to_bytes(const torch::Tensor& value)
{
  return value.clamp(0.0, 255.0).to(torch::kByte);
}

/// Converts RGB `[N, 3, H, W]` to hue, saturation and value, uint8: Pillow's `convert('HSV')`.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor hsv_of_rgb(const torch::Tensor& pixels);

/// Converts hue, saturation and value back to RGB: Pillow's `convert('RGB')`.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor rgb_of_hsv(const torch::Tensor& pixels);

}  // namespace detail

namespace operations {

/// Shifts the hue: equals torchvision's `adjust_hue` of a PIL image, through Pillow's hue,
/// saturation and value, each a byte. Holes are kept. Gray images have no hue and stay unchanged.
///
/// @param turn `[N]`, float64, integers 0 .. 255: the shift in 1/255 of the circle. The sum of
///        bytes wraps at 256, one unit late. 0 still applies the rounding of both conversions
[[nodiscard]] ROLEWISE_INLINE images hue(const images& from, const torch::Tensor& turn);

}  // namespace operations

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/operations_hue.hpp>
#endif
