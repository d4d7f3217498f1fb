// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/joined.hpp>.

#include <rolewise/search/joined.hpp>

namespace rolewise::search {

ROLEWISE_INLINE search_space prefixed(std::string_view prefix, const search_space& space)
{
  auto all = space.dimensions();
  for (auto& d : all) d.name.insert(0, prefix);
  return search_space{std::move(all)};
}

ROLEWISE_INLINE configuration prefixed(std::string_view prefix, const configuration& p)
{
  configuration longer;
  for (const auto& [name, x] : p.values()) longer.set(std::string{prefix} + name, x);
  return longer;
}

ROLEWISE_INLINE configuration part_of(const configuration& p, std::string_view prefix)
{
  configuration part;
  for (const auto& [name, x] : p.values())
    if (name.starts_with(prefix) && name.size() > prefix.size())
      part.set(std::string_view{name}.substr(prefix.size()), x);
  return part;
}

}  // namespace rolewise::search
