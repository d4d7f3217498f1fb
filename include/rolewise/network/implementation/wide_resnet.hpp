// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/wide_resnet.hpp>.

#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE wide_residual_plan wide_resnet_plan(int depth, int widening)
{
  if (depth < 10 || (depth - 4) % 6 != 0)
    throw_invalid_argument("wide_resnet", "want a depth of 6n + 4 (10, 16, 22, ...), got ", depth);
  if (widening < 1)
    throw_invalid_argument("wide_resnet", "want a widening above 0, got ", widening);
  const std::int64_t k = widening;
  return {.name = "wide_resnet" + std::to_string(depth) + "-" + std::to_string(widening),
          .widths = {16 * k, 32 * k, 64 * k},
          .blocks = (depth - 4) / 6,
          .classifier = linear_init::uniform_zero_bias};
}

}  // namespace rolewise
