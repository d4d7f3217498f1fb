// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/asynchronous_successive_halving.hpp>.

#include <rolewise/search/asynchronous_successive_halving.hpp>

#include <rolewise/search/detail/halving.hpp>
#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::search {

ROLEWISE_INLINE std::vector<decision> asynchronous_successive_halving::decide(
    const std::vector<trial_state>& trial_states, const configuration_proposer& propose) const
{
  if (eta < 2 || first_rung < 1 || max_concurrent_trials < 1)
    throw_invalid_argument(name, "want eta >= 2, first_rung and max_concurrent_trials >= 1, got ",
                           eta, ", ", first_rung, " and ", max_concurrent_trials);
  const auto trials = detail::by_number(trial_states);
  std::vector<decision> made;
  std::int64_t running = 0;
  for (const auto* s : trials) {
    if (!detail::is_running(*s)) continue;
    if (holds(*s, trials))
      ++running;
    else
      made.emplace_back(stop_trial{s->trial});
  }
  for (const auto* s : trials) {
    if (s->at || s->finished || running >= max_concurrent_trials) continue;
    made.emplace_back(start_trial{s->trial, propose(s->trial)});
    ++running;
  }
  return detail::with_others_kept(trial_states, made);
}

ROLEWISE_INLINE std::vector<decision> asynchronous_successive_halving::operator()(
    const search_space& space, const std::vector<trial_state>& trial_states, seed key) const
{
  return decide(trial_states,
                [&](std::int64_t trial) { return random_search::propose(space, key, trial); });
}

ROLEWISE_INLINE bool asynchronous_successive_halving::holds(
    const trial_state& s, const std::vector<const trial_state*>& trials) const
{
  if (s.past.empty()) return true;
  const auto current = s.past.back().epoch;
  const auto before = s.past.size() > 1 ? s.past[s.past.size() - 2].epoch : 0;
  for (auto rung = first_rung; rung <= current; rung = detail::times(rung, eta)) {
    if (rung > before && !is_promoted(s, trials, rung)) return false;
    if (rung > current / eta) break;
  }
  return true;
}

ROLEWISE_INLINE bool asynchronous_successive_halving::is_promoted(
    const trial_state& s, const std::vector<const trial_state*>& trials, std::int64_t rung) const
{
  const auto own = s.past.back().score;
  std::size_t there = 0, ahead = 0;
  for (const auto* other : trials) {
    const auto score = detail::score_after(*other, rung);
    if (!score) continue;
    ++there;
    if (*score > own || (*score == own && other->trial < s.trial)) ++ahead;
  }
  return ahead < detail::promoted(there, eta);
}

}  // namespace rolewise::search
