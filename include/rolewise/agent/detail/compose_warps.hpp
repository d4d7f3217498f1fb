// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Composition of consecutive geometric operations into one warp.

#include <rolewise/agent/detail/affine_map.hpp>
#include <rolewise/agent/image_program.hpp>
#include <rolewise/agent/interpolation.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace rolewise::detail {

/// A run of consecutive geometric operations of one image, not yet written as a warp.
struct open_run {
  static constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

  affine_map map{};
  std::size_t warps = nowhere;  ///< layer that gets its warp; `nowhere` if no run is open
  bool is_filled = false;       ///< whether a fill follows its last operation

  [[nodiscard]] bool is_open() const noexcept { return warps != nowhere; }
};

/// Collects the geometric operations of one image into runs, layer by layer, and writes a warp
/// for each.
class run_composer {
 public:
  run_composer(image_program& program, std::int64_t height, std::int64_t width,
               interpolation between)
      : program_{program}, height_{height}, width_{width}, between_{between}
  {}

  void take(std::size_t place, std::size_t n);

  /// Writes the warp of the open run, if any, and closes the run.
  void end(std::size_t n);

 private:
  void take(image_step& step, std::size_t place, std::size_t n);

  void take(image_window& window, std::size_t n);

  void resize(const image_size& to, std::size_t n)
  {
    end(n);
    height_ = to.height;
    width_ = to.width;
  }

  /// Whether a layer of another kind changes image `n`.
  [[nodiscard]] bool changes(const image_program::layer& layer, std::size_t n) const;

  image_program& program_;
  std::int64_t height_, width_;  ///< of the images at the current layer
  interpolation between_;
  open_run run_;
};

/// Rewrites the layers from number `first` on, image by image: geometric operations with only
/// identities in between become one warp, which also includes the next window if holes are filled
/// in between. The warp takes the place of the last of the operations; what it includes becomes
/// the identity, everything else stays. Allocates only beyond the capacity of the program.
ROLEWISE_INLINE void compose_warps(image_program& program, std::size_t first, std::int64_t height,
                                   std::int64_t width, interpolation between);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/compose_warps.hpp>
#endif
