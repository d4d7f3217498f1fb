// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of SearchStrategy that no compiler can check.

#include "doctest.hpp"

#include <rolewise/search/search_strategy.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <variant>

namespace rolewise::laws {

/// The trials that have not failed and are stopped or replaced by these decisions.
inline std::set<std::int64_t> ended(const std::vector<search::trial_state>& trial_states,
                                    const std::vector<search::decision>& decisions,
                                    const std::set<std::int64_t>& failed)
{
  std::set<std::int64_t> found;
  for (const auto& d : decisions) {
    const auto trial = trial_of(d);
    const auto s = std::find_if(trial_states.begin(), trial_states.end(),
                                [&](const search::trial_state& one) { return one.trial == trial; });
    const bool ends = std::holds_alternative<search::stop_trial>(d) ||
                      std::holds_alternative<search::exploit_trial>(d);
    if (s->at && ends && !failed.contains(trial)) found.insert(trial);
  }
  return found;
}

/// Checks that a failed trial is stopped or replaced by a copy, is no donor and no parent, and
/// ranks last: no other trial ends that would not end if the failed one had the lowest score. A
/// non-finite score counts as a failure, whatever its source.
template<search::SearchStrategy S>
void failures_rank_last(const S& strategy, const search::search_space& space,
                        const std::vector<search::trial_state>& trial_states, seed key)
{
  std::set<std::int64_t> failed;
  for (const auto& s : trial_states)
    if (s.failed) failed.insert(s.trial);
  if (failed.empty()) return;
  const auto decisions = strategy(space, trial_states, key);
  bool is_somebody_left = false;
  for (const auto& s : trial_states)
    is_somebody_left = is_somebody_left || (s.at && !s.finished && !s.failed);
  for (const auto& d : decisions) {
    if (failed.contains(trial_of(d))) {
      const auto* copied = std::get_if<search::exploit_trial>(&d);
      CHECK((copied != nullptr || std::holds_alternative<search::stop_trial>(d)));
      if (!is_somebody_left) CHECK(std::holds_alternative<search::stop_trial>(d));
    }
    if (const auto* copied = std::get_if<search::exploit_trial>(&d))
      CHECK_FALSE(failed.contains(copied->from));
    if (const auto* started = std::get_if<search::start_trial>(&d))
      if (started->parent) CHECK_FALSE(failed.contains(*started->parent));
  }
  auto lowest = trial_states, no_number = trial_states;
  for (std::size_t i = 0; i < trial_states.size(); ++i) {
    if (!trial_states[i].failed) continue;
    lowest[i].failed = no_number[i].failed = false;
    lowest[i].score = lowest[i].past.back().score = -1e9 - static_cast<double>(i);
    no_number[i].score = no_number[i].past.back().score = std::nan("");
  }
  CHECK((decisions == strategy(space, no_number, key)));
  // Not with `reads_history`: others use the score of a live trial once it has reported, but a
  // failure at once.
  if constexpr (!requires { S::reads_history; })
    for (const auto trial : ended(trial_states, decisions, failed))
      CHECK(ended(trial_states, strategy(space, lowest, key), failed).contains(trial));
}

/// Simulates a search of `trials` trials over `rounds` rounds with random scores.
/// @param failures the share of rounds of a trial that fail
template<search::SearchStrategy S>
void play(const S& strategy, const search::search_space& space, std::int64_t trials,
          std::int64_t rounds, double failures)
{
  const seed key{7};
  std::vector<search::trial_state> trial_states;
  for (std::int64_t t = 0; t < trials; ++t) trial_states.push_back({.trial = t});

  for (std::int64_t round = 0; round < rounds; ++round) {
    const auto asked = trial_states;
    const auto decisions = strategy(space, asked, key);
    CHECK((asked == trial_states));
    CHECK((decisions == strategy(space, trial_states, key)));
    failures_rank_last(strategy, space, trial_states, key);

    std::vector<std::int64_t> wanted, got;
    for (const auto& s : trial_states)
      if (!s.finished) wanted.push_back(s.trial);
    for (const auto& d : decisions) got.push_back(trial_of(d));
    CHECK((got == wanted));

    std::map<std::int64_t, search::decision> by_trial;
    for (const auto& d : decisions) by_trial.emplace(trial_of(d), d);
    std::vector<search::trial_state> turned(trial_states.rbegin(), trial_states.rend());
    for (const auto& d : strategy(space, turned, key)) CHECK((d == by_trial.at(trial_of(d))));

    const auto before = trial_states;
    for (const auto& d : decisions) {
      auto& s = trial_states[static_cast<std::size_t>(trial_of(d))];
      const bool had_started = s.at.has_value();
      if (const auto* started = std::get_if<search::start_trial>(&d)) {
        CHECK_FALSE(had_started);
        CHECK(space.contains(started->at));
        s.at = started->at;
      } else if (const auto* copied = std::get_if<search::exploit_trial>(&d)) {
        CHECK(had_started);
        CHECK(space.contains(copied->at));
        CHECK(before.at(static_cast<std::size_t>(copied->from)).at.has_value());
        s.at = copied->at;
        s.score = before.at(static_cast<std::size_t>(copied->from)).score;
        s.failed = false;
      } else if (std::holds_alternative<search::stop_trial>(d)) {
        s.finished = true;
      }
    }
    bool somebody_trains = false;
    for (auto& s : trial_states) {
      if (s.finished || !s.at) continue;
      somebody_trains = true;
      ++s.epoch;
      s.score = draws{key, round, s.trial}.uniform(0);
      s.failed = draws{key, round, s.trial}.uniform(1) < failures;
      if (s.failed) s.score.reset();
      s.past.push_back({s.epoch, s.score.value_or(search::failed_score), *s.at});
      if (round == 1 && s.trial == 0) s.finished = true;
    }
    CHECK((somebody_trains || std::all_of(trial_states.begin(), trial_states.end(),
                                          [](const auto& s) { return s.finished; })));
  }
}

/// Checks a strategy without failures, with some failing trials, and with all trials failing.
template<search::SearchStrategy S>
void hold_for(const S& strategy, const search::search_space& space, std::int64_t trials = 6,
              std::int64_t rounds = 4)
{
  for (const double failures : {0.0, 0.3, 1.0}) play(strategy, space, trials, rounds, failures);
}

}  // namespace rolewise::laws
