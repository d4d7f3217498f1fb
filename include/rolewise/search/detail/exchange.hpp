// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Who takes over whose weights in a population.

#include <rolewise/core/draws.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/search/detail/ranking.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail {

/// `to` becomes a copy of `from`.
struct exchange {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

/// Truncation selection: each of the worst share becomes a copy of one of the best share, drawn at
/// random. A share is rounded up, but is never more than half.
/// @return by rising number of the copy
[[nodiscard]] inline std::vector<exchange> exchanges(std::vector<ranked_trial> trials, double share,
                                                     seed key, std::int64_t step)
{
  rank(trials);
  const auto wanted = std::ceil(share * static_cast<double>(trials.size()));
  const auto count = std::min(static_cast<std::size_t>(wanted), trials.size() / 2);
  std::vector<exchange> made;
  for (auto i = trials.size() - count; i < trials.size(); ++i) {
    const draws of_trial{key, step, trials[i].trial};
    const auto best = of_trial.below(0, static_cast<std::int64_t>(count));
    made.push_back({trials[static_cast<std::size_t>(best)].trial, trials[i].trial});
  }
  std::sort(made.begin(), made.end(),
            [](const exchange& a, const exchange& b) { return a.to < b.to; });
  return made;
}

}  // namespace rolewise::detail
