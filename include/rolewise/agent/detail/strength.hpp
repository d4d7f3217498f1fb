// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The operations of RandAugment and TrivialAugment, and their parameters at a given strength.

#include <rolewise/agent/detail/opaque.hpp>
#include <rolewise/policy/operation.hpp>

#include <array>
#include <cmath>
#include <cstdint>

namespace rolewise::detail {

/// The operation set of RandAugment and TrivialAugment.
inline constexpr std::array unsearched_operations{
    operation::identity,    operation::autocontrast, operation::equalize,  operation::rotate,
    operation::solarize,    operation::color,        operation::posterize, operation::contrast,
    operation::brightness,  operation::sharpness,    operation::shear_x,   operation::shear_y,
    operation::translate_x, operation::translate_y};

/// Returns a level as a fraction of the highest one. The barriers keep fast-math compilers from
/// multiplying by a rounded reciprocal, as results are truncated to whole numbers later.
[[nodiscard]] inline double share_of(std::int64_t level, double highest)
{
  return opaque(static_cast<double>(level) / opaque(highest));
}

/// Returns the parameter of an operation at a strength in [-1, 1]; at 0, operations with a
/// parameter are the identity. Only directions and enhancers use the sign. Full strength: 30
/// degrees, slope 0.3, 10/32 of a side, 4 bits kept, threshold 0, factors 1 - 0.9 and 1 + 0.9.
[[nodiscard]] inline double parameter_of(operation what, double strength, std::int64_t height,
                                         std::int64_t width)
{
  const auto along = [&](std::int64_t side) {
    return std::trunc(opaque(opaque(strength * 10.0) / 32.0) * static_cast<double>(side));
  };
  if (is_enhancer(what)) return 1.0 + opaque(0.9 * strength);
  switch (what) {
    case operation::rotate:
      return 30.0 * strength;
    case operation::shear_x:
    case operation::shear_y:
      return 0.3 * strength;
    case operation::translate_x:
      return along(width);
    case operation::translate_y:
      return along(height);
    case operation::posterize:
      return 8.0 - std::trunc(4.0 * std::abs(strength));
    case operation::solarize:
      return 256.0 - std::trunc(256.0 * std::abs(strength));
    default:
      return 0.0;
  }
}

}  // namespace rolewise::detail
