// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Synthetic search histories.

#include <rolewise/core/draws.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/search_history.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::testing {

inline search::search_event started(std::int64_t trial, search::configuration at)
{
  return {.what = search::search_event::kind::started, .trial = trial, .at = std::move(at)};
}
inline search::search_event copied(std::int64_t round, std::int64_t trial, std::int64_t from,
                                   std::int64_t from_epoch, search::configuration at)
{
  return {.what = search::search_event::kind::copied,
          .round = round,
          .trial = trial,
          .epoch = 0,
          .from = from,
          .from_epoch = from_epoch,
          .at = std::move(at)};
}
inline search::search_event stopped(std::int64_t round, std::int64_t trial)
{
  return {.what = search::search_event::kind::stopped, .round = round, .trial = trial};
}
inline search::search_event scored(std::int64_t round, std::int64_t trial, std::int64_t epoch,
                                   double score)
{
  return {.what = search::search_event::kind::scored,
          .round = round,
          .trial = trial,
          .epoch = epoch,
          .score = score};
}

inline search::search_event failed(std::int64_t round, std::int64_t trial, std::int64_t epoch,
                                   std::string reason)
{
  return {.what = search::search_event::kind::failed,
          .round = round,
          .trial = trial,
          .epoch = epoch,
          .reason = std::move(reason)};
}

/// A population that starts without augmentation: before each round but the first, the worst
/// quarter copies the best one and mutates its policy.
inline search::search_history population_history(std::int64_t trials, std::int64_t epochs,
                                                 const std::string& prefix = {}, seed key = seed{1})
{
  search::search_history history{.strategy = "by-hand",
                                 .space = search::policy_space(prefix),
                                 .trials = trials,
                                 .epochs = epochs,
                                 .evaluation_interval = 3,
                                 .seed = key,
                                 .events = {}};
  std::vector<augmentation_policy> policies(static_cast<std::size_t>(trials));
  std::vector<double> scores(static_cast<std::size_t>(trials), 0.2);
  for (std::int64_t trial = 0; trial < trials; ++trial)
    history.events.push_back(
        started(trial, search::configuration_of(augmentation_policy{}, prefix)));
  std::int64_t round = 0;
  for (std::int64_t epoch = 0; epoch < epochs; epoch += 3, ++round) {
    const draws random{key, round, 0};
    if (round > 0) {
      std::vector<std::size_t> order(static_cast<std::size_t>(trials));
      for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
      std::ranges::stable_sort(order, {}, [&](std::size_t i) { return scores[i]; });
      const auto before = scores;
      const auto policies_before = policies;
      for (std::size_t i = 0; i < order.size() / 4; ++i) {
        const auto to = order[i], from = order[order.size() - 1 - i];
        auto levels = policies_before[from].levels();
        for (std::size_t place = 0; place < levels.size(); ++place)
          levels[place] =
              std::min<std::int64_t>(9, levels[place] + random.below(100 * i + place, 3) / 2);
        policies[to] = augmentation_policy{levels};
        scores[to] = before[from];
        auto event = copied(round, static_cast<std::int64_t>(to), static_cast<std::int64_t>(from),
                            epoch, search::configuration_of(policies[to], prefix));
        event.epoch = epoch;
        history.events.push_back(event);
      }
      std::ranges::stable_sort(history.events, {}, [](const search::search_event& e) {
        return std::pair{e.round * 2 + (e.what == search::search_event::kind::scored ? 1 : 0),
                         e.trial};
      });
    }
    for (std::int64_t trial = 0; trial < trials; ++trial) {
      auto& score = scores[static_cast<std::size_t>(trial)];
      score += (0.95 - score) * 0.15 +
               0.04 * (random.uniform(5'000 + static_cast<std::uint64_t>(trial)) - 0.5);
      auto event = scored(round, trial, std::min(epoch + 3, epochs), score);
      event.seconds = static_cast<double>(10 * round + trial);
      history.events.push_back(event);
    }
  }
  return history;
}

}  // namespace rolewise::testing
