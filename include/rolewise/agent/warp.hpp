// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `warp`: an affine map of an image, in integer arithmetic.

#include <rolewise/agent/interpolation.hpp>

#include <cstdint>

namespace rolewise {

/// An affine map from output pixels to source positions. **Units**: 2^-32 of a pixel; the pixel
/// (x, y) of the source covers columns x .. x + 1 and rows y .. y + 1.
///
/// The source position of the center of the output pixel (x, y) is
///
///     column = column.start + x column.by_x + y column.by_y,   likewise row
///
/// and it is sampled by
///
/// - `nearest`: the pixel that covers the position. Its color is copied, and a hole stays one.
///   Outside the source image the output is black and a hole.
/// - `bilinear`: the position is rounded to 1/256 of a pixel in either direction (ties go up). If
///   all four pixels whose centers surround it lie inside the image and are no holes, the result
///   is their mean, weighted by distance and rounded to nearest once. Otherwise it is the nearest
///   of the four alone (ties go to the right, and down), so that the color of holes never bleeds
///   into the image. The covered pixels are those of `nearest`, except for positions within 1/512
///   of a border.
///
/// The value-initialized warp is the identity: such an image stays unchanged. All arithmetic is
/// on integers: no bit depends on threads, instruction sets or compiler flags.
/// @pre every source position lies within +- 2^30 pixels
struct warp {
  struct line {
    std::int64_t start = 0;
    std::int64_t by_x = 0;
    std::int64_t by_y = 0;

    friend constexpr bool operator==(const line&, const line&) = default;
  };

  static constexpr std::int64_t pixel = std::int64_t{1} << 32;

  line column{pixel / 2, pixel, 0};
  line row{pixel / 2, 0, pixel};
  interpolation between = interpolation::nearest;

  /// Whether this is the identity.
  [[nodiscard]] constexpr bool changes_nothing() const noexcept
  {
    return column == line{pixel / 2, pixel, 0} && row == line{pixel / 2, 0, pixel};
  }

  friend constexpr bool operator==(const warp&, const warp&) = default;
};

}  // namespace rolewise
