// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Search histories as JSON Lines files.

#include <rolewise/search/configuration.hpp>
#include <rolewise/search/configuration_text.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/search/space_text.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/json_reader.hpp>
#include <rolewise/support/namespaces.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace rolewise::search {

namespace detail {

inline constexpr std::int64_t history_version = 1;

/// Names of `search_event::kind`, in its order.
inline constexpr std::array<std::string_view, 5> event_names{"started", "copied", "stopped",
                                                             "scored", "failed"};

/// @param run further content of the first line
[[nodiscard]] ROLEWISE_INLINE json head_of(const search_history& history, json::object run = {});

[[nodiscard]] ROLEWISE_INLINE json json_of(const search_event& event);

[[nodiscard]] ROLEWISE_INLINE search_event event_of(const json& all);

[[nodiscard]] inline std::string line_of(const json& x)
{
  std::string line;
  x.write(line, 0, true);
  return line + '\n';
}

/// Content of a history file.
struct read_history {
  search_history history;
  json head;               ///< the first line
  std::size_t length = 0;  ///< bytes of complete lines; the rest is an incomplete last line
};

/// @return nothing if there is no complete first line
/// @throws std::runtime_error that names the file, and the byte where it is damaged
[[nodiscard]] ROLEWISE_INLINE std::optional<read_history> history_from(std::string_view text,
                                                                       std::string_view path);

}  // namespace detail

/// Reads the `history.jsonl` of a search, finished or still running: JSON Lines, the first about
/// the search, then one per event (docs/run_search.md). An incomplete
/// last line, left by an interrupted writer, is ignored.
/// @throws std::runtime_error that names the file, and the byte where it is damaged
[[nodiscard]] ROLEWISE_INLINE search_history read_search_history(const std::string& path);

/// Writes a history in the same format; numbers read back as the same bits.
/// @throws std::runtime_error that names the file if it cannot be written
ROLEWISE_INLINE void write_search_history(const std::string& path, const search_history& history);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/search_history_file.hpp>
#endif
