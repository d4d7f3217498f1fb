// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Composition of search spaces, and of their configurations.

#include <rolewise/search/configuration.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::search {

/// The product of spaces: all dimensions of the first, then those of the second, ...
///
///     const auto space = joined(policy_space("student."), learning_rate_space());
/// @throws std::invalid_argument for a name that two of them have; `prefixed` makes names distinct
template<std::same_as<search_space>... More>
[[nodiscard]] search_space joined(const search_space& first, const More&... more)
{
  auto all = first.dimensions();
  (all.insert(all.end(), more.dimensions().begin(), more.dimensions().end()), ...);
  return search_space{std::move(all)};
}

/// The union of configurations: all values of the first, then those of the others.
/// @throws std::invalid_argument for a name that two of them have
template<std::same_as<configuration>... More>
[[nodiscard]] configuration joined(const configuration& first, const More&... more)
{
  auto all = first;
  const auto add = [&](const configuration& other) {
    for (const auto& [name, x] : other.values()) {
      if (all.find(name) != nullptr)
        throw_invalid_argument("joined", "two configurations have a value named '", name, "'");
      all.set(name, x);
    }
  };
  (add(more), ...);
  return all;
}

/// The space with a prefix added to every name: `student.` makes `student.learning_rate` of
/// `learning_rate`.
[[nodiscard]] ROLEWISE_INLINE search_space prefixed(std::string_view prefix,
                                                    const search_space& space);

/// The configuration with a prefix added to every name.
[[nodiscard]] ROLEWISE_INLINE configuration prefixed(std::string_view prefix,
                                                     const configuration& p);

/// The values whose names begin with a prefix, with the prefix removed: undoes `prefixed` and
/// `joined`.
[[nodiscard]] ROLEWISE_INLINE configuration part_of(const configuration& p,
                                                    std::string_view prefix);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/joined.hpp>
#endif
