// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checks whether a configuration lies in a space, with the reason if not, and the nearest
/// configuration inside.

#include <rolewise/search/configuration.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::search {

namespace detail {

/// Describes the range of a dimension: `a real 0.1 .. 1`, `an integer 1 .. 8`,
/// `one of none, policy`.
[[nodiscard]] ROLEWISE_INLINE std::string wanted_by(const dimension& d);

/// Describes a value with its type: `the real 0.5`, `the integer 2`, `'policy'`.
[[nodiscard]] ROLEWISE_INLINE std::string found_value(const configuration::value& x);

/// The index of a name among the dimensions, or their number if there is none.
[[nodiscard]] ROLEWISE_INLINE std::size_t place_of(const search_space& space,
                                                   std::string_view name);

/// The error text for a name that no dimension has.
[[nodiscard]] ROLEWISE_INLINE std::string objection_to_name(const search_space& space,
                                                            std::string_view name);

}  // namespace detail

/// Whether one value is among those of a dimension.
[[nodiscard]] inline bool is_in(const dimension& d, const configuration::value& x)
{
  return search_space{std::vector<dimension>{d}}.contains(configuration{}.set(d.name, x));
}

/// The reason why a configuration lies outside a space, with the name of the dimension; empty for a
/// configuration inside. `'bits' is the integer 9, want an integer 1 .. 8`
[[nodiscard]] ROLEWISE_INLINE std::string objection_to(const search_space& space,
                                                       const configuration& p);

/// @throws std::invalid_argument `rolewise: <who>: the configuration <why it lies outside>`
ROLEWISE_INLINE void require_inside(std::string_view who, const search_space& space,
                                    const configuration& p);

/// For strategies that need at least one dimension.
/// @throws std::invalid_argument for a space without dimensions
ROLEWISE_INLINE void require_dimensions(std::string_view who, const search_space& space);

/// The configuration with each number clamped to its interval, and its values in the order of the
/// space.
/// @throws std::invalid_argument for what cannot be clamped: missing or superfluous names, values
///         of another type, an unknown choice, NaN
[[nodiscard]] ROLEWISE_INLINE configuration clamped(const search_space& space,
                                                    const configuration& p);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/inside.hpp>
#endif
