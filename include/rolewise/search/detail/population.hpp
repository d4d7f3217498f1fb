// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Shared parts of synchronous and asynchronous population based training.

#include <rolewise/core/fraction.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/search/configuration.hpp>
#include <rolewise/search/inside.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise::search::detail {

inline void require_quantile(std::string_view who, fraction quantile)
{
  if (quantile.value() > 0.5)
    throw_invalid_argument(who, "quantile is ", quantile.value(), ", want at most 0.5");
}

/// The size of the upper and of the lower quantile of `trials` trials: rounded up, at most half.
[[nodiscard]] inline std::size_t size_of_quantile(fraction quantile, std::size_t trials)
{
  // Tolerance for floating-point error: 0.07 * 100 is above 7.
  constexpr double rounding = 1e-9;
  const auto count = std::ceil(quantile.value() * static_cast<double>(trials) - rounding);
  return std::min(static_cast<std::size_t>(std::max(count, 0.0)), trials / 2);
}

/// A trial and the score that it is ranked by, `failed_score` if it has failed.
struct contender {
  std::size_t place = 0;  ///< index in the trial states
  std::int64_t trial = 0;
  double score = 0.0;
};

/// Sorts best first; of equal scores the lower number first.
inline void rank(std::vector<contender>& all)
{
  std::sort(all.begin(), all.end(), [](const contender& a, const contender& b) {
    return a.score != b.score ? a.score > b.score : a.trial < b.trial;
  });
}

/// How many of the best-ranked trials can be copied: the size of the quantile, at least one, but
/// none that has failed.
/// @param ranked best first
[[nodiscard]] inline std::size_t donors_of(const std::vector<contender>& ranked,
                                           std::size_t quantile)
{
  const auto healthy = static_cast<std::size_t>(std::count_if(
      ranked.begin(), ranked.end(), [](const contender& c) { return c.score != failed_score; }));
  return std::min(std::max<std::size_t>(quantile, 1), healthy);
}

/// The initial configuration of a trial: `first` in the dimensions that it names,
/// `search_space::sample` in the others.
[[nodiscard]] inline configuration first_configuration(std::string_view who,
                                                       const search_space& space,
                                                       const configuration& first, seed of_trial)
{
  auto begun = space.sample(of_trial);
  for (const auto& [name, x] : first.values()) begun.set(name, x);
  require_inside(who, space, begun);
  return begun;
}

}  // namespace rolewise::search::detail
