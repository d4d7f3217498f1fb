// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/hyperband.hpp>.

#include <rolewise/search/hyperband.hpp>

#include <rolewise/search/detail/halving.hpp>
#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::search {

ROLEWISE_INLINE std::vector<hyperband::bracket> hyperband::brackets() const
{
  if (eta < 2 || most < 1 || most > 1'000'000'000)
    throw_invalid_argument(name, "want eta >= 2 and most in 1 .. 10^9, got ", eta, " and ", most);
  std::int64_t s = 0, power = 1;
  for (; power <= most / eta; power *= eta) ++s;
  std::vector<bracket> all;
  for (const auto total = s + 1; s >= 0; --s, power /= eta) {
    bracket made{(total * power + s) / (s + 1), {}};
    for (auto part = power; part >= 1; part /= eta) made.rungs.push_back(most / part);
    all.push_back(made);
  }
  return all;
}

ROLEWISE_INLINE std::vector<decision> hyperband::decide(
    const std::vector<trial_state>& trial_states, const configuration_proposer& propose) const
{
  const auto plan = brackets();
  const auto trials = detail::by_number(trial_states);
  std::vector<decision> made;
  auto first = trials.begin();
  for (std::size_t b = 0; first != trials.end(); b = (b + 1) % plan.size()) {
    const auto count = std::min<std::int64_t>(plan[b].trials, trials.end() - first);
    const std::vector<const trial_state*> members(first, first + count);
    if (!has_ended(members, plan[b], propose, made)) break;
    first += count;
  }
  return detail::with_others_kept(trial_states, made);
}

ROLEWISE_INLINE std::vector<decision> hyperband::operator()(
    const search_space& space, const std::vector<trial_state>& trial_states, seed key) const
{
  return decide(trial_states,
                [&](std::int64_t trial) { return random_search::propose(space, key, trial); });
}

ROLEWISE_INLINE bool hyperband::has_ended(const std::vector<const trial_state*>& members,
                                          const bracket& plan,
                                          const configuration_proposer& propose,
                                          std::vector<decision>& made) const
{
  auto stopped = detail::fallen(members, eta, {plan.rungs.begin(), plan.rungs.end() - 1});
  bool somebody_trains = false;
  for (const auto* s : members) {
    if (s->finished) continue;
    const bool is_out = std::find(stopped.begin(), stopped.end(), s->trial) != stopped.end();
    if (is_out || detail::has_failed(*s) || s->epoch >= plan.rungs.back()) {
      made.emplace_back(stop_trial{s->trial});
      continue;
    }
    somebody_trains = true;
    if (!s->at) made.emplace_back(start_trial{s->trial, propose(s->trial)});
  }
  return !somebody_trains;
}

}  // namespace rolewise::search
