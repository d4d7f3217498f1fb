// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Other hues for one image, bit for bit as `operations::hue`.

#include <rolewise/agent/detail/kernels/canvas.hpp>

#include <cstdint>

namespace rolewise::detail::kernels {

/// Hues turned by `by` of 255 parts of a circle; holes stay. Grey images have none.
inline void turn_hue(canvas& image, std::uint8_t by)
{
  if (image.channels() == 1) return;
  image.passes().turn_hue(image.planes(), image.count(), by);
}

}  // namespace rolewise::detail::kernels
