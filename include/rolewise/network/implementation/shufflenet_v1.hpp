// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/shufflenet_v1.hpp>.

#include <rolewise/network/shufflenet_v1.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>

namespace rolewise::detail {

ROLEWISE_INLINE void check(const shufflenet_v1_plan& plan)
{
  if (plan.groups < 1 || plan.stem < 1 ||
      std::ranges::any_of(plan.units, [](auto count) { return count < 1; }))
    throw_invalid_argument(plan.name, "want groups, channels of the stem and units of each stage ",
                           "above 0, got ", plan.groups, ", ", plan.stem, " and ",
                           at::IntArrayRef{plan.units});
  auto in = plan.stem;
  for (const auto out : plan.widths) {
    if (out - in < 4)
      throw_invalid_argument(plan.name, "want at least 4 more channels in each stage than before, ",
                             "as the first unit concatenates its input, got ", plan.stem, " and ",
                             at::IntArrayRef{plan.widths});
    in = out;
  }
}

}  // namespace rolewise::detail
