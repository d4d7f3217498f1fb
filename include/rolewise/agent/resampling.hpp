// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Resampling filters for resizing images.

#include <cstdint>

namespace rolewise {

/// Resampling filter of a resize: the `nearest` pixel, or a mean of neighbors weighted by a
/// triangle (`bilinear`) or a cubic spline with a = -1/2 (`bicubic`). Where an image shrinks, the
/// filter widens by the same factor (antialiasing), so that every pixel contributes.
///
/// All are bitwise equal to Pillow's (`operations::resize`).
enum class resampling : std::uint8_t { nearest, bilinear, bicubic };

}  // namespace rolewise
