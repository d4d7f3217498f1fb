// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Queries on trial states that strategies share.

#include <rolewise/search/search_strategy.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace rolewise::search::detail {

/// The trials in ascending order of their numbers.
[[nodiscard]] inline std::vector<const trial_state*> by_number(
    const std::vector<trial_state>& trial_states)
{
  std::vector<const trial_state*> trials;
  for (const auto& s : trial_states) trials.push_back(&s);
  std::sort(trials.begin(), trials.end(),
            [](const auto* a, const auto* b) { return a->trial < b->trial; });
  return trials;
}

// A score that is not finite is a failure, too: `run_search` passes none, but other callers may.

/// Whether a trial has failed, so that it can be neither trained on nor copied.
[[nodiscard]] inline bool has_failed(const trial_state& s)
{
  return s.failed || (s.score && !std::isfinite(*s.score));
}

/// The score that a trial is ranked by; empty if it has failed or has no score.
[[nodiscard]] inline std::optional<double> score_of(const trial_state& s)
{
  return has_failed(s) ? std::nullopt : s.score;
}

/// The same for a past score.
[[nodiscard]] inline std::optional<double> score_of(const past_score& past)
{
  return std::isfinite(past.score) ? std::optional{past.score} : std::nullopt;
}

/// The first score recorded after at least `epochs` epochs, `failed_score` if that is a failure;
/// empty if there is none.
[[nodiscard]] inline std::optional<double> score_after(const trial_state& s, std::int64_t epochs)
{
  for (const auto& got : s.past)
    if (got.epoch >= epochs) return score_of(got).value_or(failed_score);
  return {};
}

struct ranked_trial {
  std::int64_t trial = 0;
  std::optional<double> score{};
};

/// Sorts best first; of equals the lower number first; trials without a score last.
inline void rank(std::vector<ranked_trial>& trials)
{
  std::sort(trials.begin(), trials.end(), [](const ranked_trial& a, const ranked_trial& b) {
    if (a.score != b.score) return b.score < a.score;  // an empty score is below any number
    return a.trial < b.trial;
  });
}

/// Whether a trial is being trained.
[[nodiscard]] inline bool is_running(const trial_state& s)
{
  return s.at.has_value() && !s.finished && !has_failed(s);
}

/// The decisions `made`, in the order of the trial states. Any other unfinished trial is kept, or
/// stopped if it has failed.
[[nodiscard]] inline std::vector<decision> with_others_kept(
    const std::vector<trial_state>& trial_states, const std::vector<decision>& made)
{
  std::vector<std::pair<std::int64_t, std::size_t>> places;
  for (std::size_t i = 0; i < made.size(); ++i) places.emplace_back(trial_of(made[i]), i);
  std::sort(places.begin(), places.end());
  std::vector<decision> all;
  for (const auto& s : trial_states) {
    if (s.finished) continue;
    const auto found = std::lower_bound(places.begin(), places.end(),
                                        std::pair<std::int64_t, std::size_t>{s.trial, 0});
    if (found != places.end() && found->first == s.trial)
      all.push_back(made[found->second]);
    else if (has_failed(s))
      all.emplace_back(stop_trial{s.trial});
    else
      all.emplace_back(keep_trial{s.trial});
  }
  return all;
}

}  // namespace rolewise::search::detail
