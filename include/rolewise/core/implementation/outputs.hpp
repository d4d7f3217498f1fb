// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/outputs.hpp>.

#include <rolewise/core/outputs.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE outputs detached(const outputs& of)
{
  outputs result;
  if (of.logits.defined()) result.logits = of.logits.detach();
  for (const auto& [id, value] : of.features) result.features.set(id, value.detach());
  return result;
}

}  // namespace rolewise::detail
