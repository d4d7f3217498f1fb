// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/affine_map.hpp>.

#include <rolewise/agent/detail/affine_map.hpp>

#include <cmath>
#include <numbers>

namespace rolewise::detail {

ROLEWISE_INLINE affine_map rotation(double degrees, std::int64_t height, std::int64_t width)
{
  // Rounded to 15 digits, so that right angles are exact.
  const auto rounded = [](double v) {
    return opaque(std::nearbyint(opaque(v * opaque(1e15))) / opaque(1e15));
  };
  double angle = std::fmod(degrees, 360.0);
  if (angle < 0.0) angle += 360.0;
  const double radians = opaque(angle * (-std::numbers::pi / 180.0));
  const double cosine = rounded(std::cos(radians)), sine = rounded(std::sin(radians));
  const double x = 0.5 * static_cast<double>(width), y = 0.5 * static_cast<double>(height);
  return {cosine, sine,   opaque(opaque(cosine * -x) + opaque(sine * -y)) + x,
          -sine,  cosine, opaque(opaque(sine * x) + opaque(cosine * -y)) + y};
}

ROLEWISE_INLINE affine_map map_of(const image_step& step, std::int64_t height, std::int64_t width)
{
  switch (step.what) {
    case operation::rotate:
      return rotation(step.value, height, width);
    case operation::translate_x:
      return {1.0, 0.0, step.value, 0.0, 1.0, 0.0};
    case operation::translate_y:
      return {1.0, 0.0, 0.0, 0.0, 1.0, step.value};
    case operation::shear_x:
      return {1.0, step.value, 0.0, 0.0, 1.0, 0.0};
    case operation::shear_y:
      return {1.0, 0.0, 0.0, step.value, 1.0, 0.0};
    default:
      return {};
  }
}

ROLEWISE_INLINE affine_map map_of(const image_window& window, std::int64_t width)
{
  const auto right = static_cast<double>(window.right), down = static_cast<double>(window.down);
  if (window.mirrored) return {-1.0, 0.0, static_cast<double>(width) + right, 0.0, 1.0, down};
  return {1.0, 0.0, right, 0.0, 1.0, down};
}

ROLEWISE_INLINE affine_map composed(const affine_map& first, const affine_map& next)
{
  const auto sum = [](double p, double q, double r, double s) {
    return opaque(opaque(p * q) + opaque(r * s));
  };
  return {sum(first.a, next.a, first.b, next.d),
          sum(first.a, next.b, first.b, next.e),
          opaque(sum(first.a, next.c, first.b, next.f) + first.c),
          sum(first.d, next.a, first.e, next.d),
          sum(first.d, next.b, first.e, next.e),
          opaque(sum(first.d, next.c, first.e, next.f) + first.f)};
}

ROLEWISE_INLINE warp as_warp(const affine_map& map, std::int64_t height, std::int64_t width,
                             interpolation between)
{
  constexpr double farthest = 268435456.0;  // 2^28 pixels; three such terms stay within 2^30
  // Vectorized kernels compute coordinates beyond the end of a row.
  const double steepest = farthest / static_cast<double>(std::max(height, width) + 64);
  const auto whole = [](double value, double most) {
    return static_cast<std::int64_t>(
        std::floor(opaque(std::clamp(value, -most, most) * 4294967296.0) + 0.5));
  };
  const auto line = [&](double by_x, double by_y, double at) -> warp::line {
    const double start = opaque(opaque(by_x * 0.5) + opaque(by_y * 0.5)) + at;
    return {whole(start, farthest), whole(by_x, steepest), whole(by_y, steepest)};
  };
  return {line(map.a, map.b, map.c), line(map.d, map.e, map.f), between};
}

}  // namespace rolewise::detail
