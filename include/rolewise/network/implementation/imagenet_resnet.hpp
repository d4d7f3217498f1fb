// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/imagenet_resnet.hpp>.

#include <rolewise/network/imagenet_resnet.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE residual_plan<4> imagenet_resnet_plan(int depth)
{
  auto plan = cifar_resnet_plan(depth);
  plan.name = "imagenet_resnet" + std::to_string(depth);
  plan.first_layers = residual_stem::pooled;
  return plan;
}

ROLEWISE_INLINE bottleneck_plan imagenet_bottleneck_plan(int depth)
{
  auto plan = cifar_bottleneck_plan(depth);
  plan.name = "imagenet_resnet" + std::to_string(depth);
  plan.first_layers = residual_stem::pooled;
  return plan;
}

ROLEWISE_INLINE residual_plan<4> cifar_resnet_plan(int depth)
{
  if (depth != 18 && depth != 34)
    throw_invalid_argument("resnet", "want a depth of 18 or 34, or of 50, 101 or 152 with ",
                           "bottlenecks, got ", depth);
  residual_plan<4> plan{.name = "cifar_resnet" + std::to_string(depth),
                        .stem = 64,
                        .widths = {64, 128, 256, 512},
                        .blocks = 2};
  if (depth == 34) plan.blocks = {3, 4, 6, 3};
  return plan;
}

ROLEWISE_INLINE bottleneck_plan cifar_bottleneck_plan(int depth)
{
  bottleneck_plan plan{.name = "cifar_resnet" + std::to_string(depth),
                       .stem = 64,
                       .widths = {256, 512, 1024, 2048},
                       .blocks = {3, 4, 6, 3}};
  switch (depth) {
    case 50:
      return plan;
    case 101:
      plan.blocks = {3, 4, 23, 3};
      return plan;
    case 152:
      plan.blocks = {3, 8, 36, 3};
      return plan;
    default:
      throw_invalid_argument("resnet", "want a depth of 50, 101 or 152, or of 18 or 34 without ",
                             "bottlenecks, got ", depth);
  }
}

}  // namespace rolewise
