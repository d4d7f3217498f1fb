// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/detail/exchange.hpp>.

#include <rolewise/search/detail/exchange.hpp>

#include <cmath>

namespace rolewise::search::detail {

ROLEWISE_INLINE std::vector<exchange> exchanges(std::vector<ranked_trial> trials, double share,
                                                seed key, std::int64_t step)
{
  rank(trials);
  const auto wanted = std::ceil(share * static_cast<double>(trials.size()));
  const auto share_of_all = std::min(static_cast<std::size_t>(wanted), trials.size() / 2);
  const auto failed = static_cast<std::size_t>(
      std::count_if(trials.begin(), trials.end(), [](const auto& t) { return !t.score; }));
  const auto healthy = trials.size() - failed;
  if (healthy == 0) return {};
  const auto donors = std::min(std::max<std::size_t>(share_of_all, 1), healthy);
  const auto replaced = std::max(share_of_all, failed);
  std::vector<exchange> made;
  for (auto i = trials.size() - replaced; i < trials.size(); ++i) {
    const draws of_trial{key, step, trials[i].trial};
    const auto best = of_trial.below(0, static_cast<std::int64_t>(donors));
    made.push_back({trials[static_cast<std::size_t>(best)].trial, trials[i].trial});
  }
  std::sort(made.begin(), made.end(),
            [](const exchange& a, const exchange& b) { return a.to < b.to; });
  return made;
}

}  // namespace rolewise::search::detail
