// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/detail/ranking.hpp>.

#include <rolewise/search/detail/ranking.hpp>

namespace rolewise::search::detail {

ROLEWISE_INLINE std::vector<const trial_state*> by_number(
    const std::vector<trial_state>& trial_states)
{
  std::vector<const trial_state*> trials;
  for (const auto& s : trial_states) trials.push_back(&s);
  std::sort(trials.begin(), trials.end(),
            [](const auto* a, const auto* b) { return a->trial < b->trial; });
  return trials;
}

ROLEWISE_INLINE std::optional<double> score_after(const trial_state& s, std::int64_t epochs)
{
  for (const auto& got : s.past)
    if (got.epoch >= epochs) return score_of(got).value_or(failed_score);
  return {};
}

ROLEWISE_INLINE void rank(std::vector<ranked_trial>& trials)
{
  std::sort(trials.begin(), trials.end(), [](const ranked_trial& a, const ranked_trial& b) {
    if (a.score != b.score) return b.score < a.score;  // an empty score is below any number
    return a.trial < b.trial;
  });
}

ROLEWISE_INLINE std::vector<decision> with_others_kept(const std::vector<trial_state>& trial_states,
                                                       const std::vector<decision>& made)
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
