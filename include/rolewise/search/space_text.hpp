// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Search spaces as JSON.

#include <rolewise/search/configuration_text.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::search {

namespace detail {

inline constexpr std::int64_t space_version = 1;

/// One dimension as JSON:
///
///     {"name": "lr", "real": [0.1, 1.0], "spacing": "linear"}
///     {"name": "bits", "integer": [1, 8]}
///     {"name": "agent", "choice": ["none", "policy"]}
[[nodiscard]] ROLEWISE_INLINE json json_of(const dimension& d);

/// A JSON array with one object per dimension.
[[nodiscard]] inline json json_of(const search_space& space)
{
  json::array all;
  for (const auto& d : space.dimensions()) all.push_back(json_of(d));
  return all;
}

/// @throws json_error for a member that is not among the names, or occurs twice
ROLEWISE_INLINE void require_members(const json& object,
                                     std::initializer_list<std::string_view> names);

template<typename Number>
[[nodiscard]] std::pair<Number, Number> ends_from(const json& array)
{
  if (array.elements().size() != 2) throw json_error{0, "wants two ends of an interval"};
  return {array.elements()[0].number<Number>(), array.elements()[1].number<Number>()};
}

[[nodiscard]] ROLEWISE_INLINE decltype(dimension::range) range_from(const json& object);

/// @throws json_error
[[nodiscard]] inline dimension dimension_from(const json& object)
{
  return {object.at("name").text(), range_from(object)};
}

/// @throws json_error that identifies the wrong dimension by number (0-based) and name
[[nodiscard]] ROLEWISE_INLINE search_space space_from(const json& array);

}  // namespace detail

/// A space as the text of a JSON file, one dimension per line, from which `parse_space` restores
/// the same bits.
[[nodiscard]] ROLEWISE_INLINE std::string json_text(const search_space& space);

/// Parses the output of `json_text`, strictly.
/// @param source name of the text in error messages
/// @throws std::runtime_error `rolewise: <source>: ...` that names the byte, or the dimension and
///         what is wrong with it
[[nodiscard]] ROLEWISE_INLINE search_space parse_space(std::string_view text,
                                                       std::string_view source = "space");

/// Reads a space from a file with `parse_space`.
[[nodiscard]] inline search_space read_space(const std::string& path)
{
  return parse_space(support::text_of_file(path), path);
}

/// Writes a space to a file atomically: the previous file stays until the new one is complete.
/// @throws std::runtime_error if the file cannot be written
inline void write_space(const std::string& path, const search_space& space)
{
  support::write_file_atomically(path, json_text(space));
}

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/space_text.hpp>
#endif
