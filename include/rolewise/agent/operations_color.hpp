// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Point-wise color operations, and sharpness, which reads neighboring pixels.

#include <rolewise/agent/detail/per_sample.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/policy/operation.hpp>

#include <ATen/ops/exp2.h>

#include <cstdint>

namespace rolewise {

namespace detail {

/// Linear blend of two images, extrapolating for factors above 1: `trunc(d + factor * (i - d))`,
/// clamped to 0 .. 255, in float32. Product and sum are rounded separately: a fused multiply-add
/// gives other pixels than Pillow's.
[[nodiscard]] inline torch::Tensor blend(const torch::Tensor& degenerate,
                                         const torch::Tensor& pixels, const torch::Tensor& factor)
{
  const auto d = degenerate.to(torch::kFloat);
  return (pixels.to(torch::kFloat) - d).mul_(factor).add_(d).clamp_(0.0, 255.0).to(torch::kByte);
}

/// Gray values of images `[N, C, H, W]`, as int32 `[N, 1, H, W]`.
[[nodiscard]] inline torch::Tensor gray(const torch::Tensor& pixels, gray_rounding rounding)
{
  const auto whole = pixels.to(torch::kInt);
  if (pixels.size(1) == 1) return whole;
  auto sum = whole.narrow(1, 0, 1) * 19595;
  sum.add_(whole.narrow(1, 1, 1) * 38470).add_(whole.narrow(1, 2, 1) * 7471);
  if (rounding == gray_rounding::nearest) sum.add_(0x8000);
  return sum.bitwise_right_shift(16);
}

/// 3 x 3 smoothing filter: weight 5 at the center and 1 elsewhere, divided by 13 and rounded to
/// nearest (a tie cannot occur: 13 is odd). Border pixels are copied.
[[nodiscard]] inline torch::Tensor smooth(const torch::Tensor& pixels)
{
  const auto height = pixels.size(2), width = pixels.size(3);
  if (height < 3 || width < 3) return pixels;
  const auto whole = pixels.to(torch::kShort);
  const auto part = [&](std::int64_t row, std::int64_t column) {
    return whole.narrow(2, row, height - 2).narrow(3, column, width - 2);
  };
  auto sum = part(1, 1) * 4;
  for (std::int64_t row = 0; row < 3; ++row)
    for (std::int64_t column = 0; column < 3; ++column) sum.add_(part(row, column));
  auto smoothed = pixels.clone();
  smoothed.narrow(2, 1, height - 2)
      .narrow(3, 1, width - 2)
      .copy_(sum.mul_(2).add_(13).div_(26, "floor"));
  return smoothed;
}

}  // namespace detail

namespace operations {

/// Blends each image with black. Holes are kept.
/// @param factor `[N]`, float64, unitless: 0 black, 1 unchanged, above 1 brighter
[[nodiscard]] inline images brightness(const images& from, const torch::Tensor& factor)
{
  const auto v = detail::beside("brightness", factor, from.pixels, torch::kFloat);
  return {from.pixels.to(torch::kFloat).mul_(v).clamp_(0.0, 255.0).to(torch::kByte), from.covered};
}

/// Blends each image with its gray version. Holes are kept. Gray images stay unchanged.
/// @param factor `[N]`, float64, unitless: 0 gray, 1 unchanged, above 1 more saturated
[[nodiscard]] inline images color(const images& from, const torch::Tensor& factor,
                                  gray_rounding rounding = gray_rounding::nearest)
{
  const auto v = detail::beside("color", factor, from.pixels, torch::kFloat);
  if (from.pixels.size(1) == 1) return from;
  return {detail::blend(detail::gray(from.pixels, rounding), from.pixels, v), from.covered};
}

/// Blends each image with the rounded mean of its gray values (over all pixels, holes included).
/// Holes are kept.
/// @param factor `[N]`, float64, unitless: 0 flat, 1 unchanged, above 1 more contrast
[[nodiscard]] inline images contrast(const images& from, const torch::Tensor& factor,
                                     gray_rounding rounding = gray_rounding::nearest)
{
  const auto v = detail::beside("contrast", factor, from.pixels, torch::kFloat);
  const auto count = from.pixels.size(2) * from.pixels.size(3);
  const auto sum = detail::gray(from.pixels, rounding).sum({1, 2, 3}, true, torch::kLong);
  const auto mean = sum.mul_(2).add_(count).div_(2 * count, "floor");
  return {detail::blend(mean, from.pixels, v), from.covered};
}

/// Blends each image with its smoothed version. Holes are kept. Images of fewer than 3 rows or
/// columns stay unchanged.
/// @param factor `[N]`, float64, unitless: 0 smoothed, 1 unchanged, above 1 sharper
[[nodiscard]] inline images sharpness(const images& from, const torch::Tensor& factor)
{
  const auto v = detail::beside("sharpness", factor, from.pixels, torch::kFloat);
  return {detail::blend(detail::smooth(from.pixels), from.pixels, v), from.covered};
}

/// Inverts each value: `255 - v`. Holes become part of the image.
[[nodiscard]] inline images invert(const images& from) { return {from.pixels.bitwise_not(), {}}; }

/// Keeps only the highest bits of each value. Holes become part of the image.
/// @param bits `[N]`, float64, whole numbers 0 .. 8: bits kept; 8 changes nothing, 0 is black
[[nodiscard]] inline images posterize(const images& from, const torch::Tensor& bits)
{
  const auto kept = detail::per_sample("posterize", bits, from.size());
  const auto mask = 256.0 - at::exp2(8.0 - kept).round_().clamp_(1.0, 256.0);
  return {from.pixels.bitwise_and(detail::beside("posterize", mask, from.pixels, torch::kByte)),
          {}};
}

/// Inverts the values at or above a threshold: `255 - v`. Holes become part of the image.
/// @param threshold `[N]`, float64, whole numbers 0 .. 256: 256 changes nothing, 0 inverts
[[nodiscard]] inline images solarize(const images& from, const torch::Tensor& threshold)
{
  const auto limit = detail::beside("solarize", threshold, from.pixels, torch::kShort);
  return {at::where(from.pixels.lt(limit), from.pixels, from.pixels.bitwise_not()), {}};
}

}  // namespace operations

}  // namespace rolewise
