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

struct played_trial {
  trial_state progress;
  double skill = 0.0;  ///< the simulated state, which copies receive
};

/// @param train `(skill, configuration, trial, round)` returns the skill after a round, which is
/// the score
template<SearchStrategy S, typename Train>
[[nodiscard]] search_history played(const S& strategy, const search_space& space,
                                    const Train& train, const play& how = {})
{
  search_history history{std::string{S::name},    space,    how.trials, how.epochs,
                         how.evaluation_interval, how.seed, {}};
  std::vector<played_trial> all;
  for (std::int64_t t = 0; t < how.trials; ++t) all.push_back({.progress = {.trial = t}});
  std::vector<played_trial> earlier;
  const auto place = [](std::int64_t trial) { return static_cast<std::size_t>(trial); };
  for (std::int64_t round = 0; round < 10 * how.epochs; ++round) {
    std::vector<trial_state> trial_states;
    for (const auto& one : all) trial_states.push_back(one.progress);
    const auto before = all;
    for (const auto& made : strategy(space, trial_states, how.seed)) {
      auto& one = all[place(trial_of(made))];
      search_event event{.round = round, .trial = one.progress.trial, .epoch = one.progress.epoch};
      if (const auto* started = std::get_if<start_trial>(&made)) {
        event.from = started->parent;
        event.at = one.progress.at = started->at;
      } else if (const auto* copied = std::get_if<exploit_trial>(&made)) {
        const auto& donor =
            (copied->evaluations_ago == 0 ? before : earlier).at(place(copied->from));
        event.what = search_event::kind::copied;
        event.from = copied->from;
        event.from_epoch = one.progress.epoch = donor.progress.epoch;
        one.skill = donor.skill;
        one.progress.score = donor.progress.score;
        event.at = one.progress.at = copied->at;
      } else if (std::holds_alternative<stop_trial>(made)) {
        event.what = search_event::kind::stopped;
        one.progress.finished = true;
      } else {
        continue;
      }
      history.events.push_back(std::move(event));
    }
    earlier = before;
    for (auto& [progress, skill] : all) {
      if (progress.finished || !progress.at) continue;
      progress.epoch = std::min(progress.epoch + how.evaluation_interval, how.epochs);
      skill = train(skill, *progress.at, progress.trial, round);
      progress.score = skill;
      progress.finished = progress.epoch == how.epochs;
      progress.past.push_back({progress.epoch, skill, *progress.at});
      history.events.push_back({.what = search_event::kind::scored,
                                .round = round,
                                .trial = progress.trial,
                                .epoch = progress.epoch,
                                .score = skill});
    }
    if (std::all_of(all.begin(), all.end(), [](const auto& one) { return one.progress.finished; }))
      break;
  }
  return history;
}

}  // namespace rolewise::tests
