// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Point-wise color operations, and sharpness, which reads neighboring pixels.

#include <rolewise/agent/detail/per_sample.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

namespace detail {

/// Linear blend of two images, extrapolating for factors above 1: `trunc(d + factor * (i - d))`,
/// clamped to 0 .. 255, in float32. Product and sum are rounded separately: a fused multiply-add
/// gives other pixels than Pillow's.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor blend(const torch::Tensor& degenerate,
                                                  const torch::Tensor& pixels,
                                                  const torch::Tensor& factor);

/// Gray values of images `[N, C, H, W]`, as int32 `[N, 1, H, W]`.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor gray(const torch::Tensor& pixels,
                                                 gray_rounding rounding);

/// 3 x 3 smoothing filter: weight 5 at the center and 1 elsewhere, divided by 13 and rounded to
/// nearest (a tie cannot occur: 13 is odd). Border pixels are copied.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor smooth(const torch::Tensor& pixels);

}  // namespace detail

namespace operations {

/// Blends each image with black. Holes are kept.
/// @param factor `[N]`, float64, unitless: 0 black, 1 unchanged, above 1 brighter
[[nodiscard]] ROLEWISE_INLINE images brightness(const images& from, const torch::Tensor& factor);

/// Blends each image with its gray version. Holes are kept. Gray images stay unchanged.
/// @param factor `[N]`, float64, unitless: 0 gray, 1 unchanged, above 1 more saturated
[[nodiscard]] ROLEWISE_INLINE images color(const images& from, const torch::Tensor& factor,
                                           gray_rounding rounding = gray_rounding::nearest);

/// Blends each image with the rounded mean of its gray values (over all pixels, holes included).
/// Holes are kept.
/// @param factor `[N]`, float64, unitless: 0 flat, 1 unchanged, above 1 more contrast
[[nodiscard]] ROLEWISE_INLINE images contrast(const images& from, const torch::Tensor& factor,
                                              gray_rounding rounding = gray_rounding::nearest);

/// Blends each image with its smoothed version. Holes are kept. Images of fewer than 3 rows or
/// columns stay unchanged.
/// @param factor `[N]`, float64, unitless: 0 smoothed, 1 unchanged, above 1 sharper
[[nodiscard]] ROLEWISE_INLINE images sharpness(const images& from, const torch::Tensor& factor);

/// Inverts each value: `255 - v`. Holes become part of the image.
[[nodiscard]] inline images invert(const images& from) { return {from.pixels.bitwise_not(), {}}; }

/// Keeps only the highest bits of each value. Holes become part of the image.
/// @param bits `[N]`, float64, whole numbers 0 .. 8: bits kept; 8 changes nothing, 0 is black
[[nodiscard]] ROLEWISE_INLINE images posterize(const images& from, const torch::Tensor& bits);

/// Inverts the values at or above a threshold: `255 - v`. Holes become part of the image.
/// @param threshold `[N]`, float64, whole numbers 0 .. 256: 256 changes nothing, 0 inverts
[[nodiscard]] ROLEWISE_INLINE images solarize(const images& from, const torch::Tensor& threshold);

}  // namespace operations

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/operations_color.hpp>
#endif
