// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/carry_out_layers.hpp>.

#include <rolewise/agent/detail/carry_out_layers.hpp>

#include <algorithm>

namespace rolewise::detail {

ROLEWISE_INLINE images resized(const images& from, std::span<const image_box> boxes,
                               const image_size& to, const std::vector<std::uint8_t>& color)
{
  const auto sides = at::empty({static_cast<std::int64_t>(boxes.size()), 4}, torch::kFloat);
  auto* side = sides.mutable_data_ptr<float>();
  for (const auto& box : boxes)
    for (const float at : {box.left, box.top, box.right, box.bottom}) *side++ = at;
  return {operations::resize(filled(from, color), sides, to), {}};
}

ROLEWISE_INLINE images painted_over(const images& from, std::span<const image_rectangle> rectangles,
                                    const image_paint& paint,
                                    const std::vector<std::uint8_t>& color)
{
  const auto pixels = filled(from, color);
  const auto channels = pixels.size(1), height = pixels.size(2), width = pixels.size(3);
  const auto n = static_cast<std::int64_t>(rectangles.size());
  const auto numbers = at::empty({5, n}, torch::kLong);
  auto* const number = numbers.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < n; ++i) {
    const auto& [top, left, rows, columns, id] = rectangles[static_cast<std::size_t>(i)];
    const std::int64_t values[] = {top, top + rows, left, left + columns, id};
    for (std::int64_t k = 0; k < 5; ++k) number[k * n + i] = values[k];
  }
  const auto on_device = numbers.to(pixels.device());
  const auto edge = [&](std::int64_t k) { return on_device.select(0, k).view({-1, 1, 1, 1}); };
  const auto y = at::arange(height, on_device.options()).unsqueeze(1);
  const auto x = at::arange(width, on_device.options());
  const auto inside = y.ge(edge(0))
                          .logical_and(y.lt(edge(1)))
                          .logical_and(x.ge(edge(2)).logical_and(x.lt(edge(3))));
  if (paint.with == image_paint::kind::noise) {
    const auto noise = noise_bytes(paint, on_device.select(0, 4), channels * height * width);
    return {at::where(inside, noise.view({n, channels, height, width}), pixels), {}};
  }
  const auto with =
      paint.with == image_paint::kind::mean_color
          ? color
          : std::vector<std::uint8_t>{paint.color.begin(), paint.color.begin() + channels};
  return {at::where(inside, as_pixel(with, pixels.device()), pixels), {}};
}

ROLEWISE_INLINE images hues_turned(const images& from, std::span<const image_hue> hues)
{
  const auto n = static_cast<std::int64_t>(hues.size());
  const auto by = at::empty({n}, torch::kDouble);
  const auto turned = at::empty({n}, torch::kBool);
  for (std::size_t i = 0; i < hues.size(); ++i) {
    by.mutable_data_ptr<double>()[i] = hues[i].by;
    turned.mutable_data_ptr<bool>()[i] = hues[i].turned;
  }
  if (std::ranges::none_of(hues, &image_hue::turned)) return from;
  return {chosen_of(turned, operations::hue(from, by).pixels, from.pixels), from.covered};
}

ROLEWISE_INLINE images turned_over(const images& from, std::span<const std::uint8_t> flags)
{
  const auto chosen = at::empty({static_cast<std::int64_t>(flags.size())}, torch::kBool);
  std::ranges::transform(flags, chosen.mutable_data_ptr<bool>(),
                         [](std::uint8_t flag) { return flag != 0; });
  const auto over = [&](const torch::Tensor& t) {
    return t.defined() ? chosen_of(chosen, t.flip(2), t) : t;
  };
  return {over(from.pixels), over(from.covered)};
}

}  // namespace rolewise::detail
