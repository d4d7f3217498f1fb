// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/configuration.hpp>.

#include <rolewise/search/configuration.hpp>

namespace rolewise::search {

ROLEWISE_INLINE configuration& configuration::set(std::string_view name, value x)
{
  const auto known = std::find_if(values_.begin(), values_.end(),
                                  [&](const auto& named) { return named.first == name; });
  if (known != values_.end())
    known->second = std::move(x);
  else
    values_.emplace_back(name, std::move(x));
  return *this;
}

ROLEWISE_INLINE std::string configuration::all_names() const
{
  std::string names;
  for (const auto& [name, x] : values_) names += (names.empty() ? "'" : ", '") + name + "'";
  return names.empty() ? "none" : names;
}

}  // namespace rolewise::search
