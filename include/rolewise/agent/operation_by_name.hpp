// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// From a name to an operation, and to the one that was probably meant.

#include <rolewise/agent/operation.hpp>
#include <rolewise/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string_view>
#include <vector>

namespace rolewise {

namespace detail {

/// How many characters have to be put in, taken out or replaced to make one word of another; upper
/// and lower case are the same.
[[nodiscard]] inline std::size_t edit_distance(std::string_view a, std::string_view b)
{
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (lower(a[i]) == lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace detail

/// The operation of a policy that has this name, as `name` spells it, if there is one.
[[nodiscard]] constexpr std::optional<operation> find_operation(std::string_view wanted) noexcept
{
  for (std::int64_t i = 0; i < policy_operations; ++i)
    if (const auto what = static_cast<operation>(i); name(what) == wanted) return what;
  return std::nullopt;
}

/// The operation of a policy whose name is the fewest edits away; upper and lower case are the
/// same. The first in the order of a policy vector where several are equally near.
[[nodiscard]] inline operation nearest_operation(std::string_view wanted)
{
  auto nearest = operation::rotate;
  auto least = detail::edit_distance(wanted, name(nearest));
  for (std::int64_t i = 1; i < policy_operations; ++i) {
    const auto what = static_cast<operation>(i);
    const auto distance = detail::edit_distance(wanted, name(what));
    if (distance >= least) continue;
    nearest = what;
    least = distance;
  }
  return nearest;
}

/// The operation of a policy that has this name, as `name` spells it.
/// @throws std::invalid_argument with a suggestion if there is none
[[nodiscard]] inline operation operation_named(std::string_view wanted)
{
  const auto found = find_operation(wanted);
  if (!found)
    refuse("operation_named", "no operation of a policy is called '", wanted, "'; the nearest is '",
           name(nearest_operation(wanted)), "'");
  return *found;
}

}  // namespace rolewise
