// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Lookup of operations by name, and of the nearest name for error messages.

#include <rolewise/policy/operation.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/nearest_names.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace rolewise {

/// Finds the operation of a policy by its name, as `name` spells it; empty if there is none.
[[nodiscard]] constexpr std::optional<operation> find_operation(std::string_view wanted) noexcept
{
  for (std::int64_t i = 0; i < policy_operations; ++i)
    if (const auto what = static_cast<operation>(i); name(what) == wanted) return what;
  return std::nullopt;
}

/// Returns the operation of a policy whose name has the smallest edit distance, ignoring case. Of
/// several, the first in the order of a policy vector.
[[nodiscard]] inline operation nearest_operation(std::string_view wanted)
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

/// Returns the operation of a policy by its name, as `name` spells it.
/// @throws std::invalid_argument with a suggestion if there is none
[[nodiscard]] inline operation operation_named(std::string_view wanted)
{
  const auto found = find_operation(wanted);
  if (!found)
    throw_invalid_argument("operation_named", "no operation of a policy is called '", wanted,
                           "'; the nearest is '", name(nearest_operation(wanted)), "'");
  return *found;
}

}  // namespace rolewise
