// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/shufflenet_v2.hpp>.

#include <rolewise/network/shufflenet_v2.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>

namespace rolewise::detail {

ROLEWISE_INLINE void check(const shufflenet_v2_plan& plan)
{
  if (plan.stem < 1 || plan.head < 1 ||
      std::ranges::any_of(plan.blocks, [](auto count) { return count < 1; }))
    throw_invalid_argument(plan.name, "want channels of stem and head and blocks of each stage ",
                           "above 0, got ", plan.stem, ", ", plan.head, " and ",
                           at::IntArrayRef{plan.blocks});
  if (std::ranges::any_of(plan.widths, [](auto width) { return width < 2 || width % 2 != 0; }))
    throw_invalid_argument(plan.name, "want an even number of channels above 0 in each stage, got ",
                           at::IntArrayRef{plan.widths});
}

}  // namespace rolewise::detail
