// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/policy/operation_by_name.hpp>.

#include <rolewise/policy/operation_by_name.hpp>

#include <rolewise/support/error.hpp>
#include <rolewise/support/nearest_names.hpp>

namespace rolewise {

ROLEWISE_INLINE operation nearest_operation(std::string_view wanted)
{
  auto nearest = operation::rotate;
  auto least = support::edit_distance(wanted, name(nearest));
  for (std::int64_t i = 1; i < policy_operations; ++i) {
    const auto what = static_cast<operation>(i);
    const auto distance = support::edit_distance(wanted, name(what));
    if (distance >= least) continue;
    nearest = what;
    least = distance;
  }
  return nearest;
}

ROLEWISE_INLINE operation operation_named(std::string_view wanted)
{
  const auto found = find_operation(wanted);
  if (!found)
    throw_invalid_argument("operation_named", "no operation of a policy is called '", wanted,
                           "'; the nearest is '", name(nearest_operation(wanted)), "'");
  return *found;
}

}  // namespace rolewise
