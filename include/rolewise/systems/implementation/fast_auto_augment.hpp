// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/systems/fast_auto_augment.hpp>.

#include <rolewise/systems/fast_auto_augment.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <variant>

namespace rolewise::systems {

ROLEWISE_INLINE search::search_history scored_search(
    std::string_view strategy_name,
    const std::function<std::vector<search::decision>(const std::vector<search::trial_state>&)>&
        strategy,
    const search::search_space& space, std::int64_t trials, seed key,
    const std::function<double(const search::configuration&)>& score)
{
  constexpr std::string_view who = "scored_search";
  using search::search_event;
  if (trials < 1) throw_invalid_argument(who, "trials is ", trials, ", want at least 1");
  search::search_history history{std::string{strategy_name}, space, trials, 1, 1, key, {}};
  std::vector<search::trial_state> all;
  for (std::int64_t t = 0; t < trials; ++t) all.push_back({.trial = t});
  const auto is_finished = [](const auto& one) { return one.finished; };

  for (std::int64_t round = 0; !std::all_of(all.begin(), all.end(), is_finished); ++round) {
    const auto first_event = history.events.size();
    std::vector<search::search_event> results;
    for (const auto& made : strategy(all)) {
      auto& one = all.at(static_cast<std::size_t>(trial_of(made)));
      search_event event{.round = round, .trial = one.trial};
      if (const auto* started = std::get_if<search::start_trial>(&made)) {
        event.from = started->parent;
        event.at = one.at = started->at;
        const double found = score(started->at);
        one.epoch = 1;
        search_event result{.round = round, .trial = one.trial, .epoch = 1};
        if (std::isfinite(found)) {
          result.what = search_event::kind::scored;
          result.score = one.score = found;
        } else {
          result.what = search_event::kind::failed;
          result.reason = "the score is not finite";
          one.failed = true;
        }
        one.past.push_back({1, one.score.value_or(search::failed_score), started->at});
        results.push_back(std::move(result));
      } else if (std::holds_alternative<search::stop_trial>(made)) {
        event.what = search_event::kind::stopped;
      } else if (std::holds_alternative<search::exploit_trial>(made)) {
        throw_invalid_argument(who, "'", strategy_name,
                               "' copies a trial, want a strategy for trials that train nothing");
      } else {
        continue;
      }
      one.finished = true;
      history.events.push_back(std::move(event));
    }
    std::sort(results.begin(), results.end(),
              [](const auto& a, const auto& b) { return a.trial < b.trial; });
    history.events.insert(history.events.end(), results.begin(), results.end());
    if (history.events.size() == first_event)
      throw_invalid_argument(who, "'", strategy_name, "' started no trial in round ", round);
  }
  return history;
}

ROLEWISE_INLINE std::vector<sub_policy> best_sub_policies(const search::search_history& history,
                                                          std::int64_t best,
                                                          std::int64_t sub_policies)
{
  std::vector<std::pair<double, const search::configuration*>> scored;
  for (const auto& result : history.events) {
    if (result.what != search::search_event::kind::scored) continue;
    for (const auto& start : history.events)
      if (start.what == search::search_event::kind::started && start.trial == result.trial)
        scored.emplace_back(*result.score, &*start.at);
  }
  std::stable_sort(scored.begin(), scored.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  if (static_cast<std::int64_t>(scored.size()) > best)
    scored.resize(static_cast<std::size_t>(best));
  std::vector<sub_policy> policy;
  for (const auto& [score, at] : scored) {
    const auto own = search::sub_policies_at(*at, sub_policies);
    policy.insert(policy.end(), own.begin(), own.end());
  }
  return policy;
}

}  // namespace rolewise::systems
