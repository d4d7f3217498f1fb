// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/vision_transformer.hpp>.

#include <rolewise/network/vision_transformer.hpp>

namespace rolewise {

ROLEWISE_INLINE vision_transformer_plan<> vit_tiny_plan(std::int64_t patch)
{
  return {.name = "vit_tiny", .patch = patch, .width = 192, .heads = 3};
}

ROLEWISE_INLINE vision_transformer_plan<> vit_small_plan(std::int64_t patch)
{
  return {.name = "vit_small", .patch = patch, .width = 384, .heads = 6};
}

}  // namespace rolewise
