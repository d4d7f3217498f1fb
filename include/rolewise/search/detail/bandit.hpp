// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Where to go next in the unit cube, as a bandit sees it.

#include <rolewise/core/draws.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/search/detail/gaussian_process.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// What was gained somewhere at some time.
struct gain_seen {
  timed_place where;
  double gain = 0.0;
};

/// The gains with mean 0 and variance 1, none farther out than 2.
[[nodiscard]] inline std::vector<double> standardised(const std::vector<gain_seen>& seen)
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

/// Picks places of high upper confidence, several for one time: each pick is a place that the next
/// ones count as seen, whatever it will turn out to be worth.
class bandit {
 public:
  /// @param seen not empty
  /// @param pending places that are being tried without a result yet
  bandit(const std::vector<gain_seen>& seen, std::vector<timed_place> pending)
      : values_{standardised(seen)},
        settings_{likeliest_settings(places_of(seen), values_)},
        known_{places_of(seen), values_, settings_},
        certain_{places_of(seen)}
  {
    // Variances do not depend on values: any will do.
    for (auto& p : pending) certain_.push_back(std::move(p));
    exploration_ = std::max(0.0, 0.2 * std::log(0.4 * static_cast<double>(seen.size())));
  }

  /// The best of so many places drawn at random, then improved along one axis after the other.
  [[nodiscard]] std::vector<double> pick(double time, std::size_t dimensions,
                                         std::int64_t candidates, seed key)
  {
    const gaussian_process spread{certain_, std::vector<double>(certain_.size(), 0.0), settings_};
    const auto bound = [&](const timed_place& p) {
      return known_.mean(p) + std::sqrt(exploration_ * spread.variance(p));
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

  [[nodiscard]] const gaussian_process::settings& settings() const { return settings_; }

 private:
  [[nodiscard]] static std::vector<timed_place> places_of(const std::vector<gain_seen>& seen)
  {
    std::vector<timed_place> places;
    for (const auto& s : seen) places.push_back(s.where);
    return places;
  }

  std::vector<double> values_;
  gaussian_process::settings settings_;
  gaussian_process known_;
  std::vector<timed_place> certain_;  ///< seen, pending or picked
  double exploration_ = 0.0;
};

}  // namespace rolewise::detail
