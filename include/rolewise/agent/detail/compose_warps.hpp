// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Geometric operations that follow each other, as one.

#include <rolewise/agent/detail/affine_map.hpp>
#include <rolewise/agent/image_program.hpp>
#include <rolewise/agent/interpolation.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace rolewise::detail {

/// The geometric operations of one image that have followed each other up to here.
struct open_run {
  static constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

  affine_map map{};
  std::size_t warps = nowhere;  ///< the layer that its warp belongs to; nowhere: no run is open
  bool is_filled = false;       ///< since its last operation

  [[nodiscard]] bool is_open() const noexcept { return warps != nowhere; }
};

/// What one layer does to a run, for image `n`.
class run_composer {
 public:
  run_composer(image_program& program, std::int64_t height, std::int64_t width,
               interpolation between)
      : program_{program}, height_{height}, width_{width}, between_{between}
  {}

  void take(std::size_t place, std::size_t n)
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

  /// Writes the warp of the run, if there is one.
  void end(std::size_t n)
  {
    if (run_.is_open())
      program_.warps(program_.layers()[run_.warps])[n] =
          as_warp(run_.map, height_, width_, between_);
    run_ = {};
  }

 private:
  void take(image_step& step, std::size_t place, std::size_t n)
  {
    if (step.what == operation::identity) return;
    // Holes that were filled are picture to whatever comes after.
    if (!is_geometric(step.what) || run_.is_filled) end(n);
    if (!is_geometric(step.what)) return;
    const auto own = map_of(step, height_, width_);
    run_ = {run_.is_open() ? composed(run_.map, own) : own, place + 1, false};
    step = {};
  }

  void take(image_window& window, std::size_t n)
  {
    // Without a fill before it, the outside of a window is picture and that of the run a hole.
    if (run_.is_open() && run_.is_filled) {
      run_.map = composed(run_.map, map_of(window, width_));
      window = {};
    }
    end(n);
  }

  void resize(const image_size& to, std::size_t n)
  {
    end(n);
    height_ = to.height;
    width_ = to.width;
  }

  /// Whether a layer of another kind does anything to image `n`.
  [[nodiscard]] bool changes(const image_program::layer& layer, std::size_t n) const
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

  image_program& program_;
  std::int64_t height_, width_;  ///< of the images at the layer that is looked at
  interpolation between_;
  open_run run_;
};

/// Rewrites the layers from number `first` on, image by image: geometric operations with nothing
/// but identities between them become one warp, which the window after them joins if holes are
/// filled in between. The warp stands where the last of the operations stood; what it took in
/// becomes the identity, everything else stays. Allocates nothing that the program has room for.
inline void compose_warps(image_program& program, std::size_t first, std::int64_t height,
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
