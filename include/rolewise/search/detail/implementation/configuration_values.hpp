// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/detail/configuration_values.hpp>.

#include <rolewise/search/detail/configuration_values.hpp>

#include <rolewise/support/error.hpp>

#include <optional>
#include <variant>

namespace rolewise::search::detail {

ROLEWISE_INLINE std::int64_t level_at(std::string_view who, const configuration& p,
                                      const std::string& name, std::int64_t highest)
{
  const auto* const found = p.find(name);
  if (found == nullptr)
    throw_invalid_argument(who, "the configuration has no '", name, "', want an integer 0 .. ",
                           highest);
  const auto* const level = std::get_if<std::int64_t>(found);
  if (level == nullptr)
    throw_invalid_argument(who, "'", name, "' is no integer, want 0 .. ", highest);
  if (*level < 0 || *level > highest)
    throw_invalid_argument(who, "'", name, "' is ", *level, ", want 0 .. ", highest);
  return *level;
}

ROLEWISE_INLINE operation operation_at(std::string_view who, const configuration& p,
                                       const std::string& name)
{
  const auto* const found = p.find(name);
  if (found == nullptr)
    throw_invalid_argument(who, "the configuration has no '", name,
                           "', want the name of an operation");
  const auto* const chosen = std::get_if<std::string>(found);
  if (chosen == nullptr)
    throw_invalid_argument(who, "'", name, "' is a number, want the name of an operation");
  const auto what = find_operation(*chosen);
  if (!what)
    throw_invalid_argument(who, "'", name, "' is '", *chosen,
                           "', no operation of a policy; the nearest is '",
                           rolewise::name(nearest_operation(*chosen)), "'");
  return *what;
}

ROLEWISE_INLINE choice_of any_operation()
{
  choice_of all;
  for (std::int64_t i = 0; i < policy_operations; ++i)
    all.names.emplace_back(rolewise::name(static_cast<operation>(i)));
  return all;
}

}  // namespace rolewise::search::detail
