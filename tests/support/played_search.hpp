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
  std::int64_t epochs_per_round = 3;
  rolewise::seed seed{1};
};

struct played_trial {
  standing now;
  double skill = 0.0;  ///< the simulated state, which copies receive
};

/// @param train `(skill, point, trial, round)` returns the skill after a round, which is the score
template<SearchStrategy S, typename Train>
[[nodiscard]] search_history played(const S& strategy, const search_space& space,
                                    const Train& train, const play& how = {})
{
  search_history history{std::string{S::name}, space,    how.trials, how.epochs,
                         how.epochs_per_round, how.seed, {}};
  std::vector<played_trial> all;
  for (std::int64_t t = 0; t < how.trials; ++t) all.push_back({.now = {.trial = t}});
  std::vector<played_trial> earlier;
  const auto place = [](std::int64_t trial) { return static_cast<std::size_t>(trial); };
  for (std::int64_t round = 0; round < 10 * how.epochs; ++round) {
    std::vector<standing> standings;
    for (const auto& one : all) standings.push_back(one.now);
    const auto before = all;
    for (const auto& made : strategy(space, standings, how.seed)) {
      auto& one = all[place(trial_of(made))];
      search_event event{.round = round, .trial = one.now.trial, .epoch = one.now.epoch};
      if (const auto* started = std::get_if<start_trial>(&made)) {
        event.from = started->parent;
        event.at = one.now.at = started->at;
      } else if (const auto* copied = std::get_if<copy_trial>(&made)) {
        const auto& donor = (copied->looks_ago == 0 ? before : earlier).at(place(copied->from));
        event.what = search_event::kind::copied;
        event.from = copied->from;
        event.from_epoch = one.now.epoch = donor.now.epoch;
        one.skill = donor.skill;
        one.now.score = donor.now.score;
        event.at = one.now.at = copied->at;
      } else if (std::holds_alternative<stop_trial>(made)) {
        event.what = search_event::kind::stopped;
        one.now.finished = true;
      } else {
        continue;
      }
      history.events.push_back(std::move(event));
    }
    earlier = before;
    for (auto& [now, skill] : all) {
      if (now.finished || !now.at) continue;
      now.epoch = std::min(now.epoch + how.epochs_per_round, how.epochs);
      skill = train(skill, *now.at, now.trial, round);
      now.score = skill;
      now.finished = now.epoch == how.epochs;
      now.past.push_back({now.epoch, skill, *now.at});
      history.events.push_back({.what = search_event::kind::scored,
                                .round = round,
                                .trial = now.trial,
                                .epoch = now.epoch,
                                .score = skill});
    }
    if (std::all_of(all.begin(), all.end(), [](const auto& one) { return one.now.finished; }))
      break;
  }
  return history;
}

}  // namespace rolewise::tests
