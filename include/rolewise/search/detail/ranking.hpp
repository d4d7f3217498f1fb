// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Queries on trial states that strategies share.

#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace rolewise::search::detail {

/// The trials in ascending order of their numbers.
[[nodiscard]] ROLEWISE_INLINE std::vector<const trial_state*> by_number(
    const std::vector<trial_state>& trial_states);

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
[[nodiscard]] ROLEWISE_INLINE std::optional<double> score_after(const trial_state& s,
                                                                std::int64_t epochs);

struct ranked_trial {
  std::int64_t trial = 0;
  std::optional<double> score{};
};

/// Sorts best first; of equals the lower number first; trials without a score last.
ROLEWISE_INLINE void rank(std::vector<ranked_trial>& trials);

/// Whether a trial is being trained.
[[nodiscard]] inline bool is_running(const trial_state& s)
{
  return s.at.has_value() && !s.finished && !has_failed(s);
}

/// The decisions `made`, in the order of the trial states. Any other unfinished trial is kept, or
/// stopped if it has failed.
[[nodiscard]] ROLEWISE_INLINE std::vector<decision> with_others_kept(
    const std::vector<trial_state>& trial_states, const std::vector<decision>& made);

}  // namespace rolewise::search::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/detail/implementation/ranking.hpp>
#endif
