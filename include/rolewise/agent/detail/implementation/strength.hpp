// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/strength.hpp>.

#include <rolewise/agent/detail/strength.hpp>

#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE double parameter_of(operation what, double strength, std::int64_t height,
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
