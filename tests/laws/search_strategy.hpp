// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The promises of SearchStrategy that no compiler can check.

#include "support/doctest.hpp"

#include <rolewise/search/search_strategy.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <variant>

namespace rolewise::laws {

/// Plays a search of `trials` trials over `rounds` comparisons with made-up scores.
template<SearchStrategy S>
void hold_for(const S& strategy, const search_space& space, std::int64_t trials = 6,
              std::int64_t rounds = 4)
{
  const seed key{7};
  std::vector<standing> standings;
  for (std::int64_t t = 0; t < trials; ++t) standings.push_back({.trial = t});

  for (std::int64_t round = 0; round < rounds; ++round) {
    const auto asked = standings;
    const auto decisions = strategy(space, asked, key);
    CHECK((asked == standings));
    CHECK((decisions == strategy(space, standings, key)));

    std::vector<std::int64_t> wanted, got;
    for (const auto& s : standings)
      if (!s.finished) wanted.push_back(s.trial);
    for (const auto& d : decisions) got.push_back(trial_of(d));
    CHECK((got == wanted));

    std::map<std::int64_t, decision> by_trial;
    for (const auto& d : decisions) by_trial.emplace(trial_of(d), d);
    std::vector<standing> turned(standings.rbegin(), standings.rend());
    for (const auto& d : strategy(space, turned, key)) CHECK((d == by_trial.at(trial_of(d))));

    const auto before = standings;
    for (const auto& d : decisions) {
      auto& s = standings[static_cast<std::size_t>(trial_of(d))];
      const bool had_started = s.at.has_value();
      if (const auto* started = std::get_if<start_trial>(&d)) {
        CHECK_FALSE(had_started);
        CHECK(space.contains(started->at));
        s.at = started->at;
      } else if (const auto* copied = std::get_if<copy_trial>(&d)) {
        CHECK(had_started);
        CHECK(space.contains(copied->at));
        CHECK(before.at(static_cast<std::size_t>(copied->from)).at.has_value());
        s.at = copied->at;
        s.score = before.at(static_cast<std::size_t>(copied->from)).score;
      } else if (std::holds_alternative<stop_trial>(d)) {
        s.finished = true;
      }
    }
    bool somebody_trains = false;
    for (auto& s : standings) {
      if (s.finished || !s.at) continue;
      somebody_trains = true;
      ++s.epoch;
      s.score = draws{key, round, s.trial}.uniform(0);
      s.past.push_back({s.epoch, *s.score, *s.at});
      if (round == 1 && s.trial == 0) s.finished = true;
    }
    CHECK((somebody_trains || std::all_of(standings.begin(), standings.end(),
                                          [](const auto& s) { return s.finished; })));
  }
}

}  // namespace rolewise::laws
