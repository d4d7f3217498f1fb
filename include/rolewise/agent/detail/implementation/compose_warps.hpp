// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/compose_warps.hpp>.

#include <rolewise/agent/detail/compose_warps.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void run_composer::take(std::size_t place, std::size_t n)
{
  using kind = image_program::kind;
  const auto layer = program_.layers()[place];
  if (layer.does == kind::operations)
    take(program_.operations(layer)[n], place, n);
  else if (layer.does == kind::windows)
    take(program_.windows(layer)[n], n);
  else if (layer.does == kind::fill)
    run_.is_filled = true;
  else if (layer.does == kind::resizes)
    resize(program_.size(layer), n);
  else if (changes(layer, n))
    end(n);
}

ROLEWISE_INLINE void run_composer::end(std::size_t n)
{
  if (run_.is_open())
    program_.warps(program_.layers()[run_.warps])[n] = as_warp(run_.map, height_, width_, between_);
  run_ = {};
}

ROLEWISE_INLINE void run_composer::take(image_step& step, std::size_t place, std::size_t n)
{
  if (step.what == operation::identity) return;
  // Filled holes are image content for later operations, so a filled run ends here.
  if (!is_geometric(step.what) || run_.is_filled) end(n);
  if (!is_geometric(step.what)) return;
  const auto own = map_of(step, height_, width_);
  run_ = {run_.is_open() ? composed(run_.map, own) : own, place + 1, false};
  step = {};
}

ROLEWISE_INLINE void run_composer::take(image_window& window, std::size_t n)
{
  // Pixels from outside are covered in a window but holes in a run: only a fill in between lets
  // the two compose.
  if (run_.is_open() && run_.is_filled) {
    run_.map = composed(run_.map, map_of(window, width_));
    window = {};
  }
  end(n);
}

ROLEWISE_INLINE bool run_composer::changes(const image_program::layer& layer, std::size_t n) const
{
  using kind = image_program::kind;
  if (layer.does == kind::warps) return !program_.warps(layer)[n].changes_nothing();
  if (layer.does == kind::hues) return program_.hues(layer)[n].turned;
  if (layer.does == kind::upside_down) return program_.upside_down(layer)[n] != 0;
  if (layer.does == kind::rectangles) {
    const auto& painted = program_.rectangles(layer)[n];
    return painted.height > 0 && painted.width > 0;
  }
  return true;
}

ROLEWISE_INLINE void compose_warps(image_program& program, std::size_t first, std::int64_t height,
                                   std::int64_t width, interpolation between)
{
  const auto has_geometric = [&](const image_program::layer& layer) {
    return layer.does == image_program::kind::operations &&
           std::ranges::any_of(program.operations(layer),
                               [](const image_step& step) { return is_geometric(step.what); });
  };
  for (std::size_t place = first; place < program.layers().size(); ++place)
    if (has_geometric(program.layers()[place])) program.insert_warps(++place);

  for (std::size_t n = 0; n < program.images(); ++n) {
    run_composer composer{program, height, width, between};
    for (std::size_t place = first; place < program.layers().size(); ++place)
      composer.take(place, n);
    composer.end(n);
  }
}

}  // namespace rolewise::detail
