// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/detail/halving.hpp>.

#include <rolewise/search/detail/halving.hpp>

namespace rolewise::search::detail {

ROLEWISE_INLINE std::vector<std::int64_t> fallen(std::vector<const trial_state*> members,
                                                 std::int64_t eta,
                                                 const std::vector<std::int64_t>& rungs)
{
  std::vector<std::int64_t> out;
  for (const auto epochs : rungs) {
    std::vector<ranked_trial> ranking;
    for (const auto* s : members) {
      ranking.push_back({s->trial, score_after(*s, epochs)});
      if (!ranking.back().score && !s->finished && !has_failed(*s)) return out;
    }
    rank(ranking);
    const auto going_on = promoted(ranking.size(), eta);
    std::vector<const trial_state*> left;
    for (const auto* s : members) {
      const auto place = std::find_if(ranking.begin(), ranking.end(),
                                      [&](const auto& r) { return r.trial == s->trial; }) -
                         ranking.begin();
      if (static_cast<std::size_t>(place) < going_on)
        left.push_back(s);
      else if (!s->finished)
        out.push_back(s->trial);
    }
    members = left;
  }
  return out;
}

}  // namespace rolewise::search::detail
