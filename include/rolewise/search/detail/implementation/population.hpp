// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/detail/population.hpp>.

#include <rolewise/search/detail/population.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise::search::detail {

ROLEWISE_INLINE void require_quantile(std::string_view who, fraction quantile)
{
  if (quantile.value() > 0.5)
    throw_invalid_argument(who, "quantile is ", quantile.value(), ", want at most 0.5");
}

ROLEWISE_INLINE std::size_t size_of_quantile(fraction quantile, std::size_t trials)
{
  // Tolerance for floating-point error: 0.07 * 100 is above 7.
  constexpr double rounding = 1e-9;
  const auto count = std::ceil(quantile.value() * static_cast<double>(trials) - rounding);
  return std::min(static_cast<std::size_t>(std::max(count, 0.0)), trials / 2);
}

ROLEWISE_INLINE void rank(std::vector<contender>& all)
{
  std::sort(all.begin(), all.end(), [](const contender& a, const contender& b) {
    return a.score != b.score ? a.score > b.score : a.trial < b.trial;
  });
}

ROLEWISE_INLINE std::size_t donors_of(const std::vector<contender>& ranked, std::size_t quantile)
{
  const auto healthy = static_cast<std::size_t>(std::count_if(
      ranked.begin(), ranked.end(), [](const contender& c) { return c.score != failed_score; }));
  return std::min(std::max<std::size_t>(quantile, 1), healthy);
}

ROLEWISE_INLINE configuration first_configuration(std::string_view who, const search_space& space,
                                                  const configuration& first, seed of_trial)
{
  auto begun = space.sample(of_trial);
  for (const auto& [name, x] : first.values()) begun.set(name, x);
  require_inside(who, space, begun);
  return begun;
}

}  // namespace rolewise::search::detail
