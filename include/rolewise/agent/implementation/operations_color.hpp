// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/operations_color.hpp>.

#include <rolewise/agent/operations_color.hpp>

#include <ATen/ops/exp2.h>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor blend(const torch::Tensor& degenerate, const torch::Tensor& pixels,
                                    const torch::Tensor& factor)
{
  const auto d = degenerate.to(torch::kFloat);
  return (pixels.to(torch::kFloat) - d).mul_(factor).add_(d).clamp_(0.0, 255.0).to(torch::kByte);
}

ROLEWISE_INLINE torch::Tensor gray(const torch::Tensor& pixels, gray_rounding rounding)
{
  const auto whole = pixels.to(torch::kInt);
  if (pixels.size(1) == 1) return whole;
  auto sum = whole.narrow(1, 0, 1) * 19595;
  sum.add_(whole.narrow(1, 1, 1) * 38470).add_(whole.narrow(1, 2, 1) * 7471);
  if (rounding == gray_rounding::nearest) sum.add_(0x8000);
  return sum.bitwise_right_shift(16);
}

ROLEWISE_INLINE torch::Tensor smooth(const torch::Tensor& pixels)
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

}  // namespace rolewise::detail

namespace rolewise::operations {

ROLEWISE_INLINE images brightness(const images& from, const torch::Tensor& factor)
{
  const auto v = detail::beside("brightness", factor, from.pixels, torch::kFloat);
  return {from.pixels.to(torch::kFloat).mul_(v).clamp_(0.0, 255.0).to(torch::kByte), from.covered};
}

ROLEWISE_INLINE images color(const images& from, const torch::Tensor& factor,
                             gray_rounding rounding)
{
  const auto v = detail::beside("color", factor, from.pixels, torch::kFloat);
  if (from.pixels.size(1) == 1) return from;
  return {detail::blend(detail::gray(from.pixels, rounding), from.pixels, v), from.covered};
}

ROLEWISE_INLINE images contrast(const images& from, const torch::Tensor& factor,
                                gray_rounding rounding)
{
  const auto v = detail::beside("contrast", factor, from.pixels, torch::kFloat);
  const auto count = from.pixels.size(2) * from.pixels.size(3);
  const auto sum = detail::gray(from.pixels, rounding).sum({1, 2, 3}, true, torch::kLong);
  const auto mean = sum.mul_(2).add_(count).div_(2 * count, "floor");
  return {detail::blend(mean, from.pixels, v), from.covered};
}

ROLEWISE_INLINE images sharpness(const images& from, const torch::Tensor& factor)
{
  const auto v = detail::beside("sharpness", factor, from.pixels, torch::kFloat);
  return {detail::blend(detail::smooth(from.pixels), from.pixels, v), from.covered};
}

ROLEWISE_INLINE images posterize(const images& from, const torch::Tensor& bits)
{
  const auto kept = detail::per_sample("posterize", bits, from.size());
  const auto mask = 256.0 - at::exp2(8.0 - kept).round_().clamp_(1.0, 256.0);
  return {from.pixels.bitwise_and(detail::beside("posterize", mask, from.pixels, torch::kByte)),
          {}};
}

ROLEWISE_INLINE images solarize(const images& from, const torch::Tensor& threshold)
{
  const auto limit = detail::beside("solarize", threshold, from.pixels, torch::kShort);
  return {at::where(from.pixels.lt(limit), from.pixels, from.pixels.bitwise_not()), {}};
}

}  // namespace rolewise::operations
