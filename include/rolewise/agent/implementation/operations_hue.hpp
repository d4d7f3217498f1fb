// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/operations_hue.hpp>.

#include <rolewise/agent/operations_hue.hpp>

#include <ATen/ops/max.h>
#include <ATen/ops/min.h>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor hsv_of_rgb(const torch::Tensor& pixels)
{
  const auto channel = [&](std::int64_t c) { return pixels.select(1, c).to(torch::kFloat); };
  const auto r = channel(0), g = channel(1), b = channel(2);
  const auto greatest = at::max(r, at::max(g, b)), least = at::min(r, at::min(g, b));
  const auto range = greatest - least;
  const auto some_range = range.clamp_min(1.0F);
  const auto part = [&](const torch::Tensor& of) {
    return ((greatest - of) / some_range).to(torch::kDouble);
  };
  const auto from_r = part(r), from_g = part(g), from_b = part(b);
  // Each sum is exact in float64, so it is rounded to float32 once.
  const auto hue =
      at::where(r.eq(greatest), from_b - from_g,
                at::where(g.eq(greatest), from_r + 2.0 - from_b, from_g + 4.0 - from_r))
          .to(torch::kFloat)
          .to(torch::kDouble);
  const auto turn = (hue / 6.0 + 1.0).fmod(1.0).to(torch::kFloat).to(torch::kDouble);
  const auto saturation = (range / greatest.clamp_min(1.0F)).to(torch::kDouble);
  const auto colored = range.gt(0.0F);
  return at::stack({cut_to_bytes(turn * 255.0) * colored, cut_to_bytes(saturation * 255.0),
                    greatest.to(torch::kByte)},
                   1);
}

ROLEWISE_INLINE torch::Tensor rgb_of_hsv(const torch::Tensor& pixels)
{
  const auto number = [&](std::int64_t c) { return pixels.select(1, c).to(torch::kDouble); };
  const auto single = [](const torch::Tensor& t) { return t.to(torch::kFloat); };
  const auto place = number(0) * 6.0 / 255.0;
  const auto whole = place.floor();
  const auto inside = single(place - whole);
  const auto saturation = single(number(1) / 255.0);
  const auto value = number(2);
  const auto kept = [&](const torch::Tensor& lost) {
    return (value * (1.0 - lost) + 0.5).floor().to(torch::kByte);
  };
  const auto wide = saturation.to(torch::kDouble);
  const auto p = kept(wide);
  const auto q = kept((saturation * inside).to(torch::kDouble));  // the product is float32
  const auto t = kept(wide * (1.0 - inside.to(torch::kDouble)));
  const auto v = pixels.select(1, 2);
  const auto sector = whole.to(torch::kLong).remainder(6).unsqueeze(0);
  const auto channel = [&](const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& c,
                           const torch::Tensor& d, const torch::Tensor& e, const torch::Tensor& f) {
    return at::stack({a, b, c, d, e, f}).gather(0, sector).squeeze(0);
  };
  return at::stack(
      {channel(v, q, p, p, t, v), channel(t, v, v, q, p, p), channel(p, p, t, v, v, q)}, 1);
}

}  // namespace rolewise::detail

namespace rolewise::operations {

ROLEWISE_INLINE images hue(const images& from, const torch::Tensor& turn)
{
  const auto by = detail::beside("hue", turn, from.pixels, torch::kByte);
  if (from.pixels.size(1) == 1) return from;
  auto hsv = detail::hsv_of_rgb(from.pixels);
  hsv.narrow(1, 0, 1).add_(by);
  return {detail::rgb_of_hsv(hsv), from.covered};
}

}  // namespace rolewise::operations
