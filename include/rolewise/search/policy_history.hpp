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
#include <rolewise/support/error.hpp>

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
[[nodiscard]] inline std::vector<search_segment> search_segments(const search_history& history,
                                                                 std::int64_t trial,
                                                                 std::string_view prefix = {})
{
  const auto lineage = lineage_of(history);
  const auto path = lineage.ancestry(trial);
  if (path.empty()) throw_invalid_argument("search_segments", "trial ", trial, " never started");
  std::vector<search_segment> segments;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto& stretch = lineage.stretches[path[i]];
    const auto end = i + 1 < path.size() ? lineage.stretches[path[i + 1]].begin : stretch.end;
    segments.push_back({end - stretch.begin, policy_at(stretch.at, prefix)});
  }
  return segments;
}

/// The policy schedule of a trial over the epochs that it has been trained for;
/// `stretched(segments, epochs)` makes one for other training runs.
/// @throws std::invalid_argument as `search_segments`, and for a trial that was not trained
[[nodiscard]] inline policy_schedule schedule_of(const search_history& history, std::int64_t trial,
                                                 std::string_view prefix = {})
{
  const auto segments = search_segments(history, trial, prefix);
  std::int64_t epochs = 0;
  for (const auto& segment : segments) epochs += segment.epochs;
  return stretched(segments, epochs);
}

namespace detail {

/// Sorts copies into an order from which a log can be read back: all copies of a trial's state
/// are written before the trial is replaced.
class copies_in_order {
 public:
  explicit copies_in_order(const search_lineage& lineage)
      : lineage_{lineage}, state_(lineage.stretches.size()), before_(state_.size())
  {
    std::vector<std::size_t> last(lineage.last.size(), none);
    copies_of_.resize(state_.size());
    for (std::size_t i = 0; i < state_.size(); ++i) {
      auto& previous = last[static_cast<std::size_t>(lineage.stretches[i].trial)];
      before_[i] = std::exchange(previous, i);
      if (const auto parent = lineage.stretches[i].parent) {
        if (before_[i] == none)
          throw_invalid_argument("exploit_events", "trial ", lineage.stretches[i].trial,
                                 " was copied to and had not started");
        copies_of_[*parent].push_back(i);
      }
    }
  }

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

  void write(std::size_t i)
  {
    const auto& stretch = lineage_.stretches[i];
    if (state_[i] == progress::done) return;
    if (state_[i] == progress::under_way)
      throw_invalid_argument("exploit_events", "trials ", stretch.trial, " and ",
                             lineage_.stretches[*stretch.parent].trial,
                             " copy each other at one evaluation, which no log can say");
    state_[i] = progress::under_way;
    if (stretch.parent) {
      write(*stretch.parent);
      write(before_[i]);
      for (const auto copy : copies_of_[before_[i]])
        if (copy != i) write(copy);
      written_.push_back(i);
    }
    state_[i] = progress::done;
  }

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
[[nodiscard]] inline std::vector<exploit_event> exploit_events(const search_history& history,
                                                               std::string_view prefix = {})
{
  const auto lineage = lineage_of(history);
  detail::copies_in_order order{lineage};
  std::vector<exploit_event> events;
  for (const auto i : order.numbers()) {
    const auto& copy = lineage.stretches[i];
    const auto& donor = lineage.stretches[*copy.parent];
    events.push_back({.target = copy.trial,
                      .clone = donor.trial,
                      .target_iteration = lineage.stretches[order.before(i)].end,
                      .clone_iteration = copy.begin,
                      .old_policy = policy_at(donor.at, prefix),
                      .new_policy = policy_at(copy.at, prefix)});
  }
  return events;
}

/// The logs of single trials, `pbt_policy_<trial>.txt`, as Ray's scheduler writes them: a trial
/// that is replaced takes over the log of its donor, if that has one, and appends a line.
/// `without_stale_events` reads them.
/// @param all the log of all trials, oldest event first
/// @return by trial; those that were never replaced have none
[[nodiscard]] inline std::map<std::int64_t, std::vector<exploit_event>> logs_of_trials(
    const std::vector<exploit_event>& all)
{
  std::map<std::int64_t, std::vector<exploit_event>> logs;
  for (const auto& event : all) {
    if (const auto donors = logs.find(event.clone); donors != logs.end())
      logs[event.target] = donors->second;
    logs[event.target].push_back(event);
  }
  return logs;
}

/// Writes `pbt_global.txt`, and `pbt_policy_<trial>.txt` for each trial that was replaced, into
/// an existing folder; writes nothing if no trial was.
/// @return the names of the files
/// @throws std::runtime_error if a file cannot be written
/// @throws std::invalid_argument as `exploit_events`
inline std::vector<std::string> write_policy_logs(const std::string& folder,
                                                  const search_history& history,
                                                  std::string_view prefix = {},
                                                  log_dialect dialect = log_dialect::json)
{
  const auto all = exploit_events(history, prefix);
  std::vector<std::string> names;
  const auto write = [&](const std::string& name, const std::vector<exploit_event>& events) {
    write_policy_log(folder + "/" + name, events, dialect);
    names.push_back(name);
  };
  if (!all.empty()) write("pbt_global.txt", all);
  for (const auto& [trial, events] : logs_of_trials(all))
    write("pbt_policy_" + std::to_string(trial) + ".txt", events);
  return names;
}

}  // namespace rolewise::search
