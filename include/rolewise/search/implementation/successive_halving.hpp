// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/successive_halving.hpp>.

#include <rolewise/search/successive_halving.hpp>

#include <rolewise/search/detail/halving.hpp>
#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::search {

ROLEWISE_INLINE std::vector<decision> successive_halving::decide(
    const std::vector<trial_state>& trial_states, const configuration_proposer& propose) const
{
  if (eta < 2 || first_rung < 1)
    throw_invalid_argument(name, "want eta >= 2 and first_rung >= 1, got ", eta, " and ",
                           first_rung);
  const auto members = detail::by_number(trial_states);
  std::vector<std::int64_t> rungs;
  auto epochs = first_rung;
  for (auto left = static_cast<std::int64_t>(members.size()); left > 1; left /= eta) {
    rungs.push_back(epochs);
    epochs = detail::times(epochs, eta);
  }
  std::vector<decision> made;
  for (const auto trial : detail::fallen(members, eta, rungs)) made.emplace_back(stop_trial{trial});
  for (const auto* s : members)
    if (!s->at && !s->finished) made.emplace_back(start_trial{s->trial, propose(s->trial)});
  return detail::with_others_kept(trial_states, made);
}

ROLEWISE_INLINE std::vector<decision> successive_halving::operator()(
    const search_space& space, const std::vector<trial_state>& trial_states, seed key) const
{
  return decide(trial_states,
                [&](std::int64_t trial) { return random_search::propose(space, key, trial); });
}

}  // namespace rolewise::search
