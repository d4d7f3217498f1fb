// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/policy_history.hpp>.

#include <rolewise/search/policy_history.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::search {

ROLEWISE_INLINE std::vector<search_segment> search_segments(const search_history& history,
                                                            std::int64_t trial,
                                                            std::string_view prefix)
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

ROLEWISE_INLINE policy_schedule schedule_of(const search_history& history, std::int64_t trial,
                                            std::string_view prefix)
{
  const auto segments = search_segments(history, trial, prefix);
  std::int64_t epochs = 0;
  for (const auto& segment : segments) epochs += segment.epochs;
  return stretched(segments, epochs);
}

}  // namespace rolewise::search

namespace rolewise::search::detail {

ROLEWISE_INLINE copies_in_order::copies_in_order(const search_lineage& lineage)
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

ROLEWISE_INLINE void copies_in_order::write(std::size_t i)
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

}  // namespace rolewise::search::detail

namespace rolewise::search {

ROLEWISE_INLINE std::vector<exploit_event> exploit_events(const search_history& history,
                                                          std::string_view prefix)
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

ROLEWISE_INLINE std::map<std::int64_t, std::vector<exploit_event>> logs_of_trials(
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

ROLEWISE_INLINE std::vector<std::string> write_policy_logs(const std::string& folder,
                                                           const search_history& history,
                                                           std::string_view prefix,
                                                           log_dialect dialect)
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
