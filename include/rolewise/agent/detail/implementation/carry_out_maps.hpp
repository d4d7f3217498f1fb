// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/carry_out_maps.hpp>.

#include <rolewise/agent/detail/carry_out_maps.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor nearest_resized(const torch::Tensor& planes,
                                              std::span<const image_box> boxes,
                                              const image_size& to)
{
  const auto sides = at::empty({4, static_cast<std::int64_t>(boxes.size())}, torch::kFloat);
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const auto& [left, top, right, bottom] = boxes[i];
    const float values[] = {left, top, right, bottom};
    for (std::size_t k = 0; k < 4; ++k)
      sides.mutable_data_ptr<float>()[k * boxes.size() + i] = values[k];
  }
  const auto width = planes.size(3);
  const auto columns =
      weights_of(sides[0], sides[2], width, to.width, resampling::nearest).first.unsqueeze(1);
  const auto rows =
      weights_of(sides[1], sides[3], planes.size(2), to.height, resampling::nearest).first;
  return pick(planes, (rows.unsqueeze(2) * width + columns).to(planes.device()));
}

ROLEWISE_INLINE void move_by_operations(images& planes, std::span<const image_step> steps,
                                        const torch::Tensor& untouched)
{
  std::vector<image_step> geometric(steps.size());
  for (std::size_t n = 0; n < steps.size(); ++n)
    if (is_geometric(steps[n].what)) geometric[n] = steps[n];
  operate(planes, geometric, {}, untouched);
  planes.covered = torch::Tensor{};
}

ROLEWISE_INLINE torch::Tensor sources_after(const image_program& program, const image_size& size,
                                            torch::Device device)
{
  const auto n = static_cast<std::int64_t>(program.images());
  const auto start = whole_numbers(size.height * size.width, device)
                         .add_(1)
                         .view({1, 1, size.height, size.width})
                         .expand({n, -1, -1, -1})
                         .contiguous();
  images planes{start, {}};
  for (const auto& layer : program.layers()) {
    switch (layer.does) {
      case image_program::kind::operations:
        move_by_operations(planes, program.operations(layer), start);
        break;
      case image_program::kind::windows:
        planes = shown(planes, program.windows(layer), {0});
        break;
      case image_program::kind::warps: {
        std::vector<warp> nearest(program.warps(layer).begin(), program.warps(layer).end());
        for (auto& map : nearest) map.between = interpolation::nearest;
        warp_each(planes, nearest, start);
        planes.covered = torch::Tensor{};
        break;
      }
      case image_program::kind::resizes:
        if (n > 0)
          planes.pixels = nearest_resized(planes.pixels, program.boxes(layer), program.size(layer));
        else
          planes.pixels =
              start.new_empty({0, 1, program.size(layer).height, program.size(layer).width});
        break;
      case image_program::kind::upside_down:
        planes = turned_over(planes, program.upside_down(layer));
        break;
      case image_program::kind::fill:
      case image_program::kind::rectangles:
      case image_program::kind::hues:
        break;
    }
  }
  return planes.pixels.squeeze(1);
}

ROLEWISE_INLINE torch::Tensor moved(const torch::Tensor& maps, const torch::Tensor& sources,
                                    std::int64_t hole)
{
  const auto at = sources.to(maps.device());
  const auto index = at.sub(1).clamp_min_(0);
  if (maps.dim() == 4) return pick(maps, index).masked_fill_(at.eq(0).unsqueeze(1), hole);
  return pick(maps.unsqueeze(1), index).squeeze(1).masked_fill_(at.eq(0), hole);
}

ROLEWISE_INLINE void carry_out_maps(const image_program& program, const batch& examples,
                                    batch& view)
{
  if (!has_label_maps(examples)) return;
  const auto& x = examples.inputs;
  const auto sources = sources_after(program, {x.size(2), x.size(3)}, x.device());
  view.labels = moved(examples.labels, sources,
                      examples.labels.is_floating_point() ? 0 : examples.ignore_index);
  if (const auto weights = weights_of_pixels(examples); weights.defined())
    view.weights = moved(weights, sources, 0);
}

}  // namespace rolewise::detail
