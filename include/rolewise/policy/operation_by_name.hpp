// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Lookup of operations by name, and of the nearest name for error messages.

#include <rolewise/policy/operation.hpp>
#include <rolewise/support/inline.hpp>

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
[[nodiscard]] ROLEWISE_INLINE operation nearest_operation(std::string_view wanted);

/// Returns the operation of a policy by its name, as `name` spells it.
/// @throws std::invalid_argument with a suggestion if there is none
[[nodiscard]] ROLEWISE_INLINE operation operation_named(std::string_view wanted);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/policy/implementation/operation_by_name.hpp>
#endif
