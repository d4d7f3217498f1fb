// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/carry_out.hpp>.

#include <rolewise/agent/detail/carry_out.hpp>

#include <array>

namespace rolewise::detail {

ROLEWISE_INLINE operation_parameters parameters_of(std::span<const image_step> steps,
                                                   const std::vector<std::int64_t>& places)
{
  const auto count = static_cast<std::int64_t>(places.size());
  const auto numbers = at::empty({3, count}, torch::kDouble);
  auto* out = numbers.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < count; ++i) {
    const auto& step = steps[static_cast<std::size_t>(places[static_cast<std::size_t>(i)])];
    out[i] = step.value;
    out[count + i] = static_cast<double>(step.row);
    out[2 * count + i] = static_cast<double>(step.column);
  }
  return {numbers.select(0, 0), numbers.select(0, 1), numbers.select(0, 2)};
}

ROLEWISE_INLINE void put_back(images& whole, const torch::Tensor& places, const images& part,
                              const torch::Tensor& untouched)
{
  if (whole.pixels.is_same(untouched))
    whole.pixels = untouched.clone(torch::MemoryFormat::Contiguous);
  whole.pixels.index_copy_(0, places, part.pixels);
  if (!part.covered.defined() && !whole.covered.defined()) return;
  if (!whole.covered.defined())
    whole.covered =
        at::ones({whole.size(), 1, whole.pixels.size(2), whole.pixels.size(3)},
                 torch::TensorOptions{}.dtype(torch::kBool).device(whole.pixels.device()));
  if (part.covered.defined())
    whole.covered.index_copy_(0, places, part.covered);
  else
    whole.covered.index_fill_(0, places, true);
}

ROLEWISE_INLINE void operate(images& whole, std::span<const image_step> steps,
                             gray_rounding rounding, const torch::Tensor& untouched)
{
  std::array<std::vector<std::int64_t>, policy_operations> places;
  for (std::size_t n = 0; n < steps.size(); ++n)
    if (steps[n].what != operation::identity)
      places[static_cast<std::size_t>(steps[n].what)].push_back(static_cast<std::int64_t>(n));
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i].empty()) continue;
    const auto index = at::tensor(places[i], torch::kLong).to(whole.pixels.device());
    const images part{
        whole.pixels.index_select(0, index),
        whole.covered.defined() ? whole.covered.index_select(0, index) : torch::Tensor{}};
    put_back(whole, index,
             apply(static_cast<operation>(i), part, parameters_of(steps, places[i]), rounding),
             untouched);
  }
}

ROLEWISE_INLINE void warp_each(images& whole, std::span<const warp> warps,
                               const torch::Tensor& untouched)
{
  for (const auto between : {interpolation::nearest, interpolation::bilinear}) {
    std::vector<std::int64_t> places;
    std::vector<warp> chosen;
    for (std::size_t n = 0; n < warps.size(); ++n)
      if (!warps[n].changes_nothing() && warps[n].between == between) {
        places.push_back(static_cast<std::int64_t>(n));
        chosen.push_back(warps[n]);
      }
    if (places.empty()) continue;
    const auto index = at::tensor(places, torch::kLong).to(whole.pixels.device());
    const images part{
        whole.pixels.index_select(0, index),
        whole.covered.defined() ? whole.covered.index_select(0, index) : torch::Tensor{}};
    put_back(whole, index, operations::warped(part, chosen, between), untouched);
  }
}

ROLEWISE_INLINE images shown(const images& from, std::span<const image_window> windows,
                             const std::vector<std::uint8_t>& color)
{
  const auto& pixels = from.pixels;
  const auto n = pixels.size(0), height = pixels.size(2), width = pixels.size(3);
  // Source row = y + down; source column = x * by + start, where by = -1 mirrors.
  const auto numbers = at::empty({3, n}, torch::kLong);
  auto* const down = numbers.mutable_data_ptr<std::int64_t>();
  auto* const start = down + n;
  auto* const by = start + n;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto& window = windows[static_cast<std::size_t>(i)];
    down[i] = window.down;
    start[i] = window.right + (window.mirrored ? width - 1 : 0);
    by[i] = window.mirrored ? -1 : 1;
  }
  const auto on_device = numbers.to(pixels.device()).unsqueeze(2);
  const auto row = on_device.select(0, 0) + whole_numbers(height, pixels.device()).unsqueeze(0);
  const auto column =
      on_device.select(0, 1) + on_device.select(0, 2) * whole_numbers(width, pixels.device());
  const auto inside = row.ge(0)
                          .logical_and_(row.lt(height))
                          .unsqueeze(2)
                          .logical_and(column.ge(0).logical_and_(column.lt(width)).unsqueeze(1))
                          .unsqueeze(1);
  const auto index =
      row.clamp(0, height - 1).mul_(width).unsqueeze(2) + column.clamp(0, width - 1).unsqueeze(1);
  return {filled({pick(pixels, index), inside}, color),
          from.covered.defined() ? pick(from.covered, index).logical_or(inside.logical_not())
                                 : torch::Tensor{}};
}

ROLEWISE_INLINE torch::Tensor carry_out(const image_program& program, const torch::Tensor& pixels,
                                        const std::vector<std::uint8_t>& color)
{
  images whole{pixels, {}};
  for (const auto& layer : program.layers()) {
    switch (layer.does) {
      case image_program::kind::operations:
        operate(whole, program.operations(layer), layer.rounding, pixels);
        break;
      case image_program::kind::windows:
        whole = shown(whole, program.windows(layer), color);
        break;
      case image_program::kind::fill:
        whole = {filled(whole, color), {}};
        break;
      case image_program::kind::warps:
        warp_each(whole, program.warps(layer), pixels);
        break;
      case image_program::kind::resizes:
        whole = resized(whole, program.boxes(layer), program.size(layer), color);
        break;
      case image_program::kind::rectangles:
        whole = painted_over(whole, program.rectangles(layer), program.paint(layer), color);
        break;
      case image_program::kind::hues:
        whole = hues_turned(whole, program.hues(layer));
        break;
      case image_program::kind::upside_down:
        whole = turned_over(whole, program.upside_down(layer));
        break;
    }
  }
  return filled(whole, color);
}

}  // namespace rolewise::detail
