// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Policy schedules, and logs as Ray writes them, from the history of a search.

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/policy_log.hpp>
#include <rolewise/policy/searched_schedule.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_lineage.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::search {

/// The policies that a trial and its ancestors followed, in order.
/// @param prefix of `policy_space(prefix)` within the space that was searched
/// @return one segment per configuration, as `search_segments(lineage_of(log, trial), epochs)`
///         returns from logs; the epochs are those that the trial has been trained for
/// @throws std::invalid_argument for a trial that never started or a space without such a policy,
///         and as `lineage_of(history)`
[[nodiscard]] ROLEWISE_INLINE std::vector<search_segment> search_segments(
    const search_history& history, std::int64_t trial, std::string_view prefix = {});

/// The policy schedule of a trial over the epochs that it has been trained for;
/// `stretched(segments, epochs)` makes one for other training runs.
/// @throws std::invalid_argument as `search_segments`, and for a trial that was not trained
[[nodiscard]] ROLEWISE_INLINE policy_schedule schedule_of(const search_history& history,
                                                          std::int64_t trial,
                                                          std::string_view prefix = {});

namespace detail {

/// Sorts copies into an order from which a log can be read back: all copies of a trial's state
/// are written before the trial is replaced.
class copies_in_order {
 public:
  explicit copies_in_order(const search_lineage& lineage);

  /// The indices of the stretches that begin with a copy, in that order.
  [[nodiscard]] std::vector<std::size_t> numbers()
  {
    for (std::size_t i = 0; i < state_.size(); ++i) write(i);
    return std::move(written_);
  }
  /// The stretch that a copy ends.
  [[nodiscard]] std::size_t before(std::size_t copy) const { return before_[copy]; }

 private:
  static constexpr auto none = static_cast<std::size_t>(-1);
  enum class progress : std::uint8_t { untouched, under_way, done };

  void write(std::size_t i);

  const search_lineage& lineage_;
  std::vector<progress> state_;
  std::vector<std::size_t> before_;
  std::vector<std::vector<std::size_t>> copies_of_;
  std::vector<std::size_t> written_;
};

}  // namespace detail

/// The copies of a search as events of the log of all trials, `pbt_global.txt`.
/// `write_policy_log` writes them, and `search_segments(lineage_of(events, trial), epochs)` is
/// then the schedule of a trial that became a copy of another one. (For one that never did, log
/// readers assume the policy of all zeros.)
/// @param prefix of `policy_space(prefix)` within the space that was searched
/// @return in the order of the history, but copies of a trial before its replacement in the same
///         round
/// @throws std::invalid_argument for a space without such a policy, for trials that copy each
///         other in one round, and as `lineage_of(history)`
[[nodiscard]] ROLEWISE_INLINE std::vector<exploit_event> exploit_events(
    const search_history& history, std::string_view prefix = {});

/// The logs of single trials, `pbt_policy_<trial>.txt`, as Ray's scheduler writes them: a trial
/// that is replaced takes over the log of its donor, if that has one, and appends a line.
/// `without_stale_events` reads them.
/// @param all the log of all trials, oldest event first
/// @return by trial; those that were never replaced have none
[[nodiscard]] ROLEWISE_INLINE std::map<std::int64_t, std::vector<exploit_event>> logs_of_trials(
    const std::vector<exploit_event>& all);

/// Writes `pbt_global.txt`, and `pbt_policy_<trial>.txt` for each trial that was replaced, into
/// an existing folder; writes nothing if no trial was.
/// @return the names of the files
/// @throws std::runtime_error if a file cannot be written
/// @throws std::invalid_argument as `exploit_events`
ROLEWISE_INLINE std::vector<std::string> write_policy_logs(const std::string& folder,
                                                           const search_history& history,
                                                           std::string_view prefix = {},
                                                           log_dialect dialect = log_dialect::json);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/policy_history.hpp>
#endif
