// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// How an image gets another size.

#include <cstdint>

namespace rolewise {

/// What a pixel of an image of another size is made of: the `nearest` pixel, or a mean of its
/// neighbours weighted by a triangle (`bilinear`) or a cubic spline with a = -1/2 (`bicubic`).
/// Where an image shrinks, the weights are stretched by as much, so that no pixel goes unseen.
///
/// All of them are Pillow's, bit for bit (`operations::resize`).
enum class resampling : std::uint8_t { nearest, bilinear, bicubic };

}  // namespace rolewise
