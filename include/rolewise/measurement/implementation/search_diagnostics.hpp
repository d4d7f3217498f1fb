// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/measurement/search_diagnostics.hpp>.

#include <rolewise/measurement/search_diagnostics.hpp>

#include <rolewise/support/error.hpp>

#include <map>
#include <variant>

namespace rolewise::measurement {

ROLEWISE_INLINE std::vector<founders_in_round> founders_by_round(
    const search::search_history& history)
{
  const auto lineage = lineage_of(history);
  std::vector<std::size_t> founder;                                        // of each stretch
  std::vector<std::size_t> now(static_cast<std::size_t>(history.trials));  // founder of each trial
  std::map<std::int64_t, std::map<std::size_t, std::int64_t>> families;
  for (const auto& event : history.events) {
    const auto trial = static_cast<std::size_t>(event.trial);
    if (event.what == search::search_event::kind::scored) {
      ++families[event.round][now[trial]];
    } else if (event.what == search::search_event::kind::started ||
               event.what == search::search_event::kind::copied) {
      const auto number = founder.size();  // starts and copies begin the stretches, in their order
      if (const auto parent = lineage.stretches[number].parent)
        founder.push_back(founder[*parent]);
      else
        founder.push_back(event.from ? now.at(static_cast<std::size_t>(*event.from)) : number);
      now[trial] = founder.back();
    }
  }
  std::vector<founders_in_round> rounds;
  for (const auto& [round, family] : families) {
    auto& of_round = rounds.emplace_back(founders_in_round{.round = round});
    of_round.founders = static_cast<std::int64_t>(family.size());
    for (const auto& [root, size] : family) {
      of_round.trials += size;
      of_round.largest_family = std::max(of_round.largest_family, size);
    }
  }
  return rounds;
}

ROLEWISE_INLINE std::optional<std::int64_t> collapse_round(const search::search_history& history)
{
  if (history.trials < 2) return std::nullopt;
  std::optional<std::int64_t> since;
  for (const auto& now : founders_by_round(history))
    if (now.founders > 1)
      since.reset();
    else if (!since)
      since = now.round;
  return since;
}

}  // namespace rolewise::measurement

namespace rolewise::measurement::detail {

ROLEWISE_INLINE double coverage_of(const search::dimension& d,
                                   const std::vector<explored_dimension::tried>& values)
{
  const auto count = static_cast<double>(values.size());
  if (const auto* names = std::get_if<search::choice_of>(&d.range))
    return count / static_cast<double>(names->names.size());
  if (const auto* whole = std::get_if<search::integer_interval>(&d.range))
    return count / static_cast<double>(whole->high - whole->low + 1);
  const auto& real = std::get<search::real_interval>(d.range);
  if (values.empty()) return 0.0;
  if (real.low == real.high) return 1.0;
  const auto measure = [&](double x) {
    return real.measure == search::spacing::logarithmic ? std::log(x) : x;
  };
  return (measure(std::get<double>(values.back().value)) -
          measure(std::get<double>(values.front().value))) /
         (measure(real.high) - measure(real.low));
}

}  // namespace rolewise::measurement::detail

namespace rolewise::measurement {

ROLEWISE_INLINE std::vector<explored_dimension> explored_values(
    const search::search_history& history)
{
  const auto lineage = lineage_of(history);
  for (const auto& stretch : lineage.stretches)
    if (!history.space.contains(stretch.at))
      throw_invalid_argument("explored_values", "trial ", stretch.trial,
                             " was at a configuration outside of the space");
  std::vector<explored_dimension> all;
  for (const auto& d : history.space.dimensions()) {
    std::map<search::configuration::value, std::int64_t> epochs;
    for (const auto& stretch : lineage.stretches)
      epochs[*stretch.at.find(d.name)] += stretch.end - stretch.begin;
    auto& of_dimension = all.emplace_back(explored_dimension{.name = d.name, .values = {}});
    for (const auto& [value, trained] : epochs) of_dimension.values.push_back({value, trained});
    of_dimension.coverage = detail::coverage_of(d, of_dimension.values);
  }
  return all;
}

ROLEWISE_INLINE proxy_scores proxy_and_last(const search::search_history& history,
                                            std::int64_t epoch)
{
  std::map<std::int64_t, double> early;
  proxy_scores found;
  for (const auto& event : history.events) {
    if (event.what == search::search_event::kind::copied ||
        event.what == search::search_event::kind::failed)
      early.erase(event.trial);
    if (event.what != search::search_event::kind::scored || !event.score) continue;
    if (event.epoch == epoch) early[event.trial] = *event.score;
    const auto proxy = early.find(event.trial);
    if (event.epoch != history.epochs || proxy == early.end()) continue;
    found.trials.push_back(event.trial);
    found.proxy.push_back(proxy->second);
    found.last.push_back(*event.score);
  }
  return found;
}

}  // namespace rolewise::measurement
