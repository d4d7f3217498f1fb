// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/schemes.hpp>.

#include <rolewise/quant/schemes.hpp>

namespace rolewise {

ROLEWISE_INLINE layer_bits full_precision_ends::operator()(const layer_id& place) const
{
  if (place.is_first()) return first;
  if (place.is_last()) return last;
  if (shortcut && place.kind == layer_kind::shortcut) return *shortcut;
  return {weights, activations};
}

}  // namespace rolewise
