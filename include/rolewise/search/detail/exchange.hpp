// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Truncation selection: which trials of a population become copies of which.

#include <rolewise/core/draws.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/search/detail/ranking.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::search::detail {

/// One copy: trial `to` takes over the state of trial `from`.
struct exchange {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

/// Truncation selection: each of the worst share becomes a copy of one of the best share, drawn
/// at random. A share is rounded up, but is never more than half. Trials without a score have
/// failed: each of them becomes a copy, however many they are, and none is copied.
/// @return in ascending order of `to`
[[nodiscard]] inline std::vector<exchange> exchanges(std::vector<ranked_trial> trials, double share,
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
