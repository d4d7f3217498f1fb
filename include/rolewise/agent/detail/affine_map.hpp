// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `affine_map` of geometric operations, and its conversion to a fixed-point `warp`.

#include <rolewise/agent/detail/opaque.hpp>
#include <rolewise/agent/image_program.hpp>
#include <rolewise/agent/warp.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstdint>

namespace rolewise::detail {

/// An affine map from target to source coordinates: (x, y) is taken from column `a x + b y + c`,
/// row `d x + e y + f`. The center of a pixel lies at its index plus 1/2.
struct affine_map {
  double a = 1.0, b = 0.0, c = 0.0;
  double d = 0.0, e = 1.0, f = 0.0;
};

/// Returns the rotation about the center of an image, counterclockwise as displayed.
[[nodiscard]] ROLEWISE_INLINE affine_map rotation(double degrees, std::int64_t height,
                                                  std::int64_t width);

[[nodiscard]] constexpr bool is_geometric(operation what) noexcept
{
  return what == operation::rotate || what == operation::translate_x ||
         what == operation::translate_y || what == operation::shear_x || what == operation::shear_y;
}

/// @pre `is_geometric(step.what)`
[[nodiscard]] ROLEWISE_INLINE affine_map map_of(const image_step& step, std::int64_t height,
                                                std::int64_t width);

[[nodiscard]] ROLEWISE_INLINE affine_map map_of(const image_window& window, std::int64_t width);

/// Returns the map of `first` followed by `next`: the product of the matrices.
[[nodiscard]] ROLEWISE_INLINE affine_map composed(const affine_map& first, const affine_map& next);

/// Returns the map in fixed point, rounded to nearest and clamped to the range of `warp`.
[[nodiscard]] ROLEWISE_INLINE warp as_warp(const affine_map& map, std::int64_t height,
                                           std::int64_t width, interpolation between);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/affine_map.hpp>
#endif
