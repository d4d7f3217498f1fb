// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What synchronous and asynchronous population based searches share.

#include <rolewise/core/error.hpp>
#include <rolewise/core/fraction.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/search/inside.hpp>
#include <rolewise/search/point.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/search/space.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise::detail {

inline void require_quantile(std::string_view who, fraction quantile)
{
  if (quantile.value() > 0.5) refuse(who, "quantile is ", quantile.value(), ", want at most 0.5");
}

/// How many of so many trials are the upper ones, and as many the lower: the quantile of them,
/// rounded up, and never more than half of them.
[[nodiscard]] inline std::size_t size_of_quantile(fraction quantile, std::size_t trials)
{
  // Less than any trial can weigh: 0.07 * 100 is above 7.
  constexpr double rounding = 1e-9;
  const auto count = std::ceil(quantile.value() * static_cast<double>(trials) - rounding);
  return std::min(static_cast<std::size_t>(std::max(count, 0.0)), trials / 2);
}

/// A trial and a score that it is ranked by, `failed_score` if it has failed.
struct contender {
  std::size_t place = 0;  ///< among the standings
  std::int64_t trial = 0;
  double score = 0.0;
};

/// Best first; of equal scores the lower number first.
inline void rank(std::vector<contender>& all)
{
  std::sort(all.begin(), all.end(), [](const contender& a, const contender& b) {
    return a.score != b.score ? a.score > b.score : a.trial < b.trial;
  });
}

/// How many of the first can be copied: as many as the quantile has, at least one, but none that
/// has failed.
/// @param ranked best first
[[nodiscard]] inline std::size_t donors_of(const std::vector<contender>& ranked,
                                           std::size_t quantile)
{
  const auto healthy = static_cast<std::size_t>(std::count_if(
      ranked.begin(), ranked.end(), [](const contender& c) { return c.score != failed_score; }));
  return std::min(std::max<std::size_t>(quantile, 1), healthy);
}

/// Where a trial begins: at `first` in the dimensions that it names, in the others where
/// `search_space::sample` puts it.
[[nodiscard]] inline point first_point(std::string_view who, const search_space& space,
                                       const point& first, seed of_trial)
{
  auto begun = space.sample(of_trial);
  for (const auto& [name, x] : first.values()) begun.set(name, x);
  require_inside(who, space, begun);
  return begun;
}

}  // namespace rolewise::detail
