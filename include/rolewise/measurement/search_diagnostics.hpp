// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Diagnostics of a search from its history: founders, explored values, early scores as a proxy.

#include <rolewise/search/configuration.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_lineage.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace rolewise::measurement {

/// The founders with descendants among the trials of one round.
struct founders_in_round {
  std::int64_t round = 0;
  std::int64_t trials = 0;          ///< trained and scored in the round
  std::int64_t founders = 0;        ///< that those trials descend from
  std::int64_t largest_family = 0;  ///< largest number that descends from one founder

  friend bool operator==(const founders_in_round&, const founders_in_round&) = default;
};

/// Counts per round how many founders the trials descend from. A founder is a trial that started
/// neither as a copy nor at a configuration derived from another's. A copy descends from the trial
/// whose state it took over, a trial started at a derived configuration from the trial of the
/// original configuration.
/// @throws std::invalid_argument as `lineage_of(history)`
[[nodiscard]] inline std::vector<founders_in_round> founders_by_round(
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

/// The first round from which on all trials descend from one founder; empty if they descend from
/// several at the end, or if there was only one trial.
/// @throws std::invalid_argument as `lineage_of(history)`
[[nodiscard]] inline std::optional<std::int64_t> collapse_round(
    const search::search_history& history)
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

/// The values that a search explored along one dimension.
struct explored_dimension {
  struct tried {
    search::configuration::value value;
    std::int64_t epochs = 0;  ///< trained at this value, summed over trials

    friend bool operator==(const tried&, const tried&) = default;
  };
  std::string name;
  std::vector<tried> values;  ///< distinct, ascending; names in alphabetical order
  /// For integers and choices the share of values tried; for reals the distance between the
  /// lowest and the highest value tried, as a share of the interval on its linear or logarithmic
  /// scale. In [0, 1].
  double coverage = 0.0;

  friend bool operator==(const explored_dimension&, const explored_dimension&) = default;
};

namespace detail {

[[nodiscard]] inline double coverage_of(const search::dimension& d,
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

}  // namespace detail

/// The values explored, per dimension, in the order of the space.
/// @throws std::invalid_argument as `lineage_of(history)`, and for configurations outside the space
[[nodiscard]] inline std::vector<explored_dimension> explored_values(
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

/// Early and final scores of the same trials, for `spearman` and `kendall_tau_b`.
struct proxy_scores {
  std::vector<std::int64_t> trials;
  std::vector<double> proxy, last;
};

/// The scores after `epoch` epochs and after `history.epochs`, of the trials that have both and
/// did not become copies in between: measures whether the early ranking predicts the final one.
[[nodiscard]] inline proxy_scores proxy_and_last(const search::search_history& history,
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
