// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/require_setting.hpp>.

#include <rolewise/agent/detail/require_setting.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE void require_probability(std::string_view who, double probability)
{
  if (!(probability >= 0.0 && probability <= 1.0))
    throw_invalid_argument(who, "probability is ", probability, ", want 0 .. 1");
}

ROLEWISE_INLINE void require_scale(std::string_view who, const std::array<double, 2>& scale)
{
  if (!(scale[0] > 0.0 && scale[0] <= scale[1] && scale[1] <= 1.0))
    throw_invalid_argument(who, "scale is ", scale[0], " .. ", scale[1],
                           ", want 0 < low <= high <= 1, shares of the area");
}

ROLEWISE_INLINE void require_ratio(std::string_view who, const std::array<double, 2>& ratio)
{
  if (!(ratio[0] > 0.0 && ratio[0] <= ratio[1] && std::isfinite(ratio[1])))
    throw_invalid_argument(who, "ratio is ", ratio[0], " .. ", ratio[1],
                           ", want 0 < low <= high, and finite");
}

}  // namespace rolewise::detail
