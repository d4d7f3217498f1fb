// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `played`: a simulated search without training. The state of a trial is one number.

#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_strategy.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise::tests {

struct play {
  std::int64_t trials = 16;
  std::int64_t epochs = 60;
  std::int64_t evaluation_interval = 3;
  rolewise::seed seed{1};
};

/// What a copy receives.
struct played_moment {
  std::int64_t epoch = 0;
  std::optional<double> score{};
  double skill = 0.0;  ///< the simulated state
};

/// @param train `(skill, configuration, trial, round)` returns the skill after a round, which is
/// the score
template<search::SearchStrategy S, typename Train>
[[nodiscard]] search::search_history played(const S& strategy, const search::search_space& space,
                                            const Train& train, const play& how = {})
{
  search::search_history history{std::string{S::name},    space,    how.trials, how.epochs,
                                 how.evaluation_interval, how.seed, {}};
  std::vector<search::trial_state> all;
  for (std::int64_t t = 0; t < how.trials; ++t) all.push_back({.trial = t});
  std::vector<double> skills(all.size());
  std::vector<played_moment> earlier;
  const auto place = [](std::int64_t trial) { return static_cast<std::size_t>(trial); };
  for (std::int64_t round = 0; round < 10 * how.epochs; ++round) {
    std::vector<played_moment> before;
    for (const auto& one : all) before.push_back({one.epoch, one.score, skills[place(one.trial)]});
    for (const auto& made : strategy(space, all, how.seed)) {
      auto& one = all[place(trial_of(made))];
      search::search_event event{.round = round, .trial = one.trial, .epoch = one.epoch};
      if (const auto* started = std::get_if<search::start_trial>(&made)) {
        event.from = started->parent;
        event.at = one.at = started->at;
      } else if (const auto* copied = std::get_if<search::exploit_trial>(&made)) {
        const auto& donor =
            (copied->evaluations_ago == 0 ? before : earlier).at(place(copied->from));
        event.what = search::search_event::kind::copied;
        event.from = copied->from;
        event.from_epoch = one.epoch = donor.epoch;
        skills[place(one.trial)] = donor.skill;
        one.score = donor.score;
        event.at = one.at = copied->at;
      } else if (std::holds_alternative<search::stop_trial>(made)) {
        event.what = search::search_event::kind::stopped;
        one.finished = true;
      } else {
        continue;
      }
      history.events.push_back(std::move(event));
    }
    earlier = std::move(before);
    for (auto& state : all) {
      if (state.finished || !state.at) continue;
      state.epoch = std::min(state.epoch + how.evaluation_interval, how.epochs);
      double& skill = skills[place(state.trial)];
      skill = train(skill, *state.at, state.trial, round);
      state.score = skill;
      state.finished = state.epoch == how.epochs;
      state.past.push_back({state.epoch, skill, *state.at});
      history.events.push_back({.what = search::search_event::kind::scored,
                                .round = round,
                                .trial = state.trial,
                                .epoch = state.epoch,
                                .score = skill});
    }
    if (std::all_of(all.begin(), all.end(), [](const auto& one) { return one.finished; })) break;
  }
  return history;
}

}  // namespace rolewise::tests
