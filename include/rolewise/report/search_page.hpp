// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Report of a search as one self-contained HTML page.

#include <rolewise/report/heat_map.hpp>
#include <rolewise/report/policy_pictures.hpp>
#include <rolewise/report/search_pictures.hpp>
#include <rolewise/report/table.hpp>
#include <rolewise/search/configuration.hpp>
#include <rolewise/search/policy_history.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_lineage.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::report {

/// Options of the page of a search.
struct search_page_options {
  std::string title = "Search";
  std::int64_t evaluations =
      3;  ///< number of last scores that select the best trial: see `best_trial`
  /// Named settings beyond those in the history, such as the data set; shown as they are.
  std::vector<std::pair<std::string, std::string>> settings{};
};

namespace detail {

/// Text of a value of a configuration, with up to four significant digits.
[[nodiscard]] ROLEWISE_INLINE std::string value_words(const search::configuration::value& value);

[[nodiscard]] ROLEWISE_INLINE std::string range_words(const search::dimension& of);

/// Name prefixes of the policies in a space.
[[nodiscard]] ROLEWISE_INLINE std::vector<std::string> policies_in(
    const search::search_space& space);

/// The dimensions that belong to no policy; at most 8, for which a table has room.
[[nodiscard]] ROLEWISE_INLINE std::vector<search::dimension> other_dimensions(
    const search::search_space& space);

[[nodiscard]] ROLEWISE_INLINE table trial_table(const search::search_history& history,
                                                const search_page_options& options);

/// All failures, including those of trials that have become copies since.
[[nodiscard]] ROLEWISE_INLINE table failures_table(const search::search_history& history);

[[nodiscard]] ROLEWISE_INLINE table settings_table(const search::search_history& history,
                                                   const search_page_options& options);

/// Summary in numbers: trials, epochs, copies, stops, failures, time, best trial.
[[nodiscard]] ROLEWISE_INLINE std::string search_summary(const search::search_history& history,
                                                         std::int64_t evaluations);

[[nodiscard]] ROLEWISE_INLINE std::string schedule_pictures(const search::search_history& history,
                                                            std::int64_t evaluations);

}  // namespace detail

/// HTML report of a search: lineage (`lineage_tree`), scores (`search_curves`), the best trial's
/// schedule over epochs for each policy in the space (`probability_map`, `magnitude_map`),
/// trial states with failed trials last, failures with their reasons, settings. It loads nothing:
/// no script, no font, no image.
///
/// Also works for a search in progress.
/// @par Determinism
/// The same history gives the same bytes, whatever the locale; its elapsed seconds are shown.
/// @throws std::invalid_argument as `lineage_tree`, and for values of a policy out of range
[[nodiscard]] ROLEWISE_INLINE std::string search_page(const search::search_history& history,
                                                      const search_page_options& options = {});

/// Writes a page to a file; an existing file is replaced atomically.
/// @throws std::invalid_argument as `search_page`
/// @throws std::runtime_error if the file cannot be written
inline void write_search_page(const std::string& path, const search::search_history& history,
                              const search_page_options& options = {})
{
  support::write_file_atomically(path, search_page(history, options));
}

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/search_page.hpp>
#endif
