// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Hue rotation of one image, bit-equal to `operations::hue`.

#include <rolewise/agent/detail/kernels/canvas.hpp>

#include <cstdint>

namespace rolewise::detail::kernels {

/// Rotates hues by `by` / 255 of the circle; holes stay. Gray images are unchanged.
inline void turn_hue(canvas& image, std::uint8_t by)
{
  if (image.channels() == 1) return;
  image.passes().turn_hue(image.planes(), image.count(), by);
}

}  // namespace rolewise::detail::kernels
