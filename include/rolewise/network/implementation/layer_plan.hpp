// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/layer_plan.hpp>.

#include <rolewise/network/layer_plan.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>

namespace rolewise {

ROLEWISE_INLINE planned_layer layer_plan::at(std::string_view layer, layer_kind kind,
                                             layer_input input) const
{
  if (only_lists()) return {{.name = std::string{layer}, .kind = kind, .input = input}, {}};
  const auto found = std::ranges::find_if(
      layers_, [&](const planned_layer& each) { return each.place.name == layer; });
  if (found == layers_.end()) throw_invalid_argument("layer_plan", "there is no layer ", layer);
  return *found;
}

}  // namespace rolewise
