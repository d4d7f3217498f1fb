// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// An affine map of an image, in whole numbers.

#include <rolewise/agent/interpolation.hpp>

#include <cstdint>

namespace rolewise {

/// Where each pixel of an image comes from. **Units**: 2^-32 of a pixel; the pixel (x, y) of the
/// source covers columns x .. x + 1 and rows y .. y + 1.
///
/// The centre of the new pixel (x, y) shows the place
///
///     column = column.start + x column.by_x + y column.by_y,   likewise row
///
/// and gets what is there:
///
/// - `nearest`: the pixel that covers the place. Its colour is taken, and a hole stays one; outside
///   are black holes.
/// - `bilinear`: the place is rounded to 1/256 of a pixel in either direction (ties go up). If all
///   of the four pixels whose centres surround it lie inside and are no holes, then their mean,
///   weighted by distance and rounded to nearest once. Else the nearest of the four alone (ties go
///   to the right, and down), so that the colour of holes never bleeds into the picture, and what
///   is covered is what `nearest` covers but for places within 1/512 of a border.
///
/// The value-initialised warp is the identity: such an image is left as it is. Whole numbers all
/// the way: no bit depends on threads, on instruction sets or on a compiler's flags.
/// @pre every place of an image lies within +- 2^30 pixels
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

  /// Whether every pixel comes from its own place.
  [[nodiscard]] constexpr bool changes_nothing() const noexcept
  {
    return column == line{pixel / 2, pixel, 0} && row == line{pixel / 2, 0, pixel};
  }

  friend constexpr bool operator==(const warp&, const warp&) = default;
};

}  // namespace rolewise
