// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/resnet.hpp>.

#include <rolewise/network/resnet.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE residual_plan<> resnet_plan(int depth)
{
  if (depth < 8 || (depth - 2) % 6 != 0)
    throw_invalid_argument("resnet", "want a depth of 6n + 2 (8, 14, 20, ...), got ", depth);
  return {.name = "resnet" + std::to_string(depth), .blocks = (depth - 2) / 6};
}

ROLEWISE_INLINE residual_plan<> resnet_x4_plan(int depth)
{
  auto plan = resnet_plan(depth);
  plan.name += "x4";
  plan.stem = 32;
  plan.widths = {64, 128, 256};
  return plan;
}

ROLEWISE_INLINE residual_plan<4> role_kd_plan(int depth)
{
  if (depth != 8 && depth != 18)
    throw_invalid_argument("role_kd_resnet", "want a depth of 8 or 18, got ", depth);
  return {.name = "role_kd_resnet" + std::to_string(depth),
          .stem = 64,
          .widths = {64, 128, 256, 512},
          .blocks = depth == 18 ? 2 : 1,
          .padding = padding_rule::same,
          .normalization = {.momentum = 0.01, .epsilon = 1e-3},
          .convolutions = conv_init::variance_scaling_fan_in,
          .classifier = linear_init::xavier_zero_bias};
}

}  // namespace rolewise
