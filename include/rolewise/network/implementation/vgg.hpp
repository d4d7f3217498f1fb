// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/vgg.hpp>.

#include <rolewise/network/vgg.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE vgg_plan vgg_plan_of(int depth)
{
  vgg_plan plan{.name = "vgg" + std::to_string(depth)};
  switch (depth) {
    case 8:
      return plan;
    case 11:
      plan.convolutions = {1, 1, 2, 2, 2};
      return plan;
    case 13:
      plan.convolutions = {2, 2, 2, 2, 2};
      return plan;
    case 16:
      plan.convolutions = {2, 2, 3, 3, 3};
      return plan;
    case 19:
      plan.convolutions = {2, 2, 4, 4, 4};
      return plan;
    default:
      throw_invalid_argument("vgg", "want a depth of 8, 11, 13, 16 or 19, got ", depth);
  }
}

}  // namespace rolewise
