// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/detail/bandit.hpp>.

#include <rolewise/search/detail/bandit.hpp>

#include <cmath>

namespace rolewise::search::detail {

ROLEWISE_INLINE std::vector<double> standardized(const std::vector<gain_seen>& seen)
{
  const auto count = static_cast<double>(seen.size());
  double mean = 0.0, squares = 0.0;
  for (const auto& s : seen) mean += s.gain / count;
  for (const auto& s : seen) squares += (s.gain - mean) * (s.gain - mean) / count;
  std::vector<double> values;
  for (const auto& s : seen)
    values.push_back(std::clamp((s.gain - mean) / (std::sqrt(squares) + 1e-8), -2.0, 2.0));
  return values;
}

ROLEWISE_INLINE bandit::bandit(const std::vector<gain_seen>& seen, std::vector<timed_place> pending)
    : values_{standardized(seen)},
      settings_{likeliest_settings(places_of(seen), values_)},
      known_{places_of(seen), values_, settings_},
      certain_{places_of(seen)}
{
  // Variances do not depend on the observed values, so pending points need none.
  for (auto& p : pending) certain_.push_back(std::move(p));
  exploration_ = std::max(0.0, 0.2 * std::log(0.4 * static_cast<double>(seen.size())));
}

ROLEWISE_INLINE std::vector<double> bandit::pick(double time, std::size_t dimensions,
                                                 std::int64_t candidates, seed key)
{
  const gaussian_process spread{certain_, std::vector<double>(certain_.size(), 0.0), settings_};
  const auto bound = [&](const timed_place& p) {
    const auto covariances = spread.covariances(p);  // of what is known first
    return known_.mean(covariances) + std::sqrt(exploration_ * spread.variance(covariances));
  };
  timed_place best{std::vector<double>(dimensions, 0.5), time};
  double most = bound(best);
  const auto consider = [&](const timed_place& p) {
    const double found = bound(p);
    if (!(found > most)) return;
    best = p;
    most = found;
  };
  for (std::int64_t c = 0; c < candidates; ++c) {
    timed_place tried = best;
    for (std::size_t d = 0; d < dimensions; ++d) tried.at[d] = draws{key, 0, c}.uniform(d);
    consider(tried);
  }
  for (const double step : {0.1, 0.05, 0.025, 0.0125})
    for (std::size_t d = 0; d < dimensions; ++d)
      for (const double sign : {-1.0, 1.0}) {
        timed_place tried = best;
        tried.at[d] = std::clamp(tried.at[d] + sign * step, 0.0, 1.0);
        consider(tried);
      }
  certain_.push_back(best);
  return best.at;
}

ROLEWISE_INLINE std::vector<timed_place> bandit::places_of(const std::vector<gain_seen>& seen)
{
  std::vector<timed_place> places;
  for (const auto& s : seen) places.push_back(s.where);
  return places;
}

}  // namespace rolewise::search::detail
