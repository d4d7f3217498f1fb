// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/bit_width_changer.hpp>.

#include <rolewise/network/detail/bit_width_changer.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>

namespace rolewise::detail {

ROLEWISE_INLINE bool bit_width_changer::has_changed(const std::string& name) const
{
  return std::ranges::any_of(changed_,
                             [&](const std::string& prefix) { return name.starts_with(prefix); });
}

ROLEWISE_INLINE layer_bits bit_width_changer::wanted_for(const layer_id& place) const
{
  const auto found = std::ranges::find_if(wanted_, [&](const planned_layer& each) {
    return each.place.index == place.index && each.place.name == place.name;
  });
  if (found == wanted_.end())
    throw_invalid_argument("network", "does not report layer ", place.name,
                           ", so it cannot get other widths");
  return found->widths;
}

}  // namespace rolewise::detail
