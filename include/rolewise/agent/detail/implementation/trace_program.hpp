// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/trace_program.hpp>.

#include <rolewise/agent/detail/trace_program.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void trace_program(kernels::source_plane& plane, const image_program& program,
                                   std::size_t n)
{
  const auto same = [](std::int64_t at) { return at; };
  for (const auto& layer : program.layers()) {
    switch (layer.does) {
      case image_program::kind::operations: {
        const auto& step = program.operations(layer)[n];
        if (!is_geometric(step.what)) break;
        const auto map = map_of(step, plane.height(), plane.width());
        plane.gather(kernels::affine_line{map.a, map.b, map.c}.fixed(),
                     kernels::affine_line{map.d, map.e, map.f}.fixed());
        break;
      }
      case image_program::kind::windows: {
        const auto window = program.windows(layer)[n];
        if (window == image_window{}) break;
        const auto last = plane.width() - 1;
        plane.move(
            plane.height(), plane.width(),
            [&](std::int64_t x) { return (window.mirrored ? last - x : x) + window.right; },
            [&](std::int64_t y) { return y + window.down; });
        break;
      }
      case image_program::kind::warps:
        if (const auto& map = program.warps(layer)[n]; !map.changes_nothing())
          plane.gather(map.column, map.row);
        break;
      case image_program::kind::resizes:
        plane.resize(program.boxes(layer)[n], program.size(layer));
        break;
      case image_program::kind::upside_down:
        if (program.upside_down(layer)[n] != 0)
          plane.move(plane.height(), plane.width(), same,
                     [&](std::int64_t y) { return plane.height() - 1 - y; });
        break;
      case image_program::kind::fill:
      case image_program::kind::rectangles:
      case image_program::kind::hues:
        break;
    }
  }
}

ROLEWISE_INLINE void moved_map::move(const kernels::source_plane& plane, std::int64_t n) const
{
  if (!from.defined()) return;
  switch (from.element_size()) {
    case 2:
      return move_as<std::uint16_t>(plane, n);
    case 4:
      return move_as<std::uint32_t>(plane, n);
    case 8:
      return move_as<std::uint64_t>(plane, n);
    default:
      throw_invalid_argument("label maps", "want values of 2, 4 or 8 bytes, got ",
                             from.scalar_type());
  }
}

ROLEWISE_INLINE void moved_maps::move(kernels::source_plane& plane, const image_program& program,
                                      std::size_t entry, std::int64_t n) const
{
  plane.start(labels.from.size(-2), labels.from.size(-1));
  trace_program(plane, program, entry);
  labels.move(plane, n);
  weights.move(plane, n);
}

ROLEWISE_INLINE void moved_maps::put_into(batch& view) const
{
  if (labels.to.defined()) view.labels = labels.to;
  if (weights.to.defined()) view.weights = weights.to;
}

ROLEWISE_INLINE torch::Tensor weights_of_pixels(const batch& examples)
{
  const auto& labels = examples.labels;
  const auto& weights = examples.weights;
  if (weights.defined() && weights.dim() == 3) return weights;
  if (labels.dim() == 3) return {};
  // Soft labels have no value that is ignored.
  const auto each = weights.defined()
                        ? weights
                        : at::ones({labels.size(0)}, labels.options().dtype(torch::kFloat));
  return each.view({-1, 1, 1}).expand({-1, labels.size(2), labels.size(3)});
}

}  // namespace rolewise::detail
