// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What strategies ask of standings.

#include <rolewise/search/search_strategy.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// The trials by rising number.
[[nodiscard]] inline std::vector<const standing*> by_number(const std::vector<standing>& standings)
{
  std::vector<const standing*> trials;
  for (const auto& s : standings) trials.push_back(&s);
  std::sort(trials.begin(), trials.end(),
            [](const auto* a, const auto* b) { return a->trial < b->trial; });
  return trials;
}

/// The first score that a trial got after at least so many epochs.
[[nodiscard]] inline std::optional<double> score_after(const standing& s, std::int64_t epochs)
{
  for (const auto& got : s.past)
    if (got.epoch >= epochs) return got.score;
  return {};
}

struct ranked_trial {
  std::int64_t trial = 0;
  std::optional<double> score{};
};

/// The best first; of equals the one with the lower number; those without a score last.
inline void rank(std::vector<ranked_trial>& trials)
{
  std::sort(trials.begin(), trials.end(), [](const ranked_trial& a, const ranked_trial& b) {
    if (a.score != b.score) return b.score < a.score;  // nothing is less than any number
    return a.trial < b.trial;
  });
}

/// Whether a trial is being trained.
[[nodiscard]] inline bool is_running(const standing& s) { return s.at.has_value() && !s.finished; }

/// The decisions in the order of the standings; whoever has not finished and is not named is kept.
[[nodiscard]] inline std::vector<decision> with_others_kept(const std::vector<standing>& standings,
                                                            const std::vector<decision>& made)
{
  std::vector<std::pair<std::int64_t, std::size_t>> places;
  for (std::size_t i = 0; i < made.size(); ++i) places.emplace_back(trial_of(made[i]), i);
  std::sort(places.begin(), places.end());
  std::vector<decision> all;
  for (const auto& s : standings) {
    if (s.finished) continue;
    const auto found = std::lower_bound(places.begin(), places.end(),
                                        std::pair<std::int64_t, std::size_t>{s.trial, 0});
    if (found != places.end() && found->first == s.trial)
      all.push_back(made[found->second]);
    else
      all.emplace_back(keep_trial{s.trial});
  }
  return all;
}

}  // namespace rolewise::detail
