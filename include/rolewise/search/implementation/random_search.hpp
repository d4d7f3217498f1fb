// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/random_search.hpp>.

#include <rolewise/search/random_search.hpp>

#include <rolewise/search/detail/ranking.hpp>

namespace rolewise::search {

ROLEWISE_INLINE std::vector<decision> random_search::operator()(
    const search_space& space, const std::vector<trial_state>& trial_states, seed key) const
{
  std::vector<decision> decisions;
  for (const auto& s : trial_states) {
    if (s.finished) continue;
    if (detail::has_failed(s))
      decisions.emplace_back(stop_trial{s.trial});
    else if (s.at)
      decisions.emplace_back(keep_trial{s.trial});
    else
      decisions.emplace_back(start_trial{s.trial, propose(space, key, s.trial)});
  }
  return decisions;
}

}  // namespace rolewise::search
