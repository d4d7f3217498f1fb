// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Upper-confidence-bound selection of points in the unit cube, over a Gaussian process.

#include <rolewise/core/draws.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/search/detail/gaussian_process.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise::search::detail {

/// One observation: the gain at a point and a time.
struct gain_seen {
  timed_place where;
  double gain = 0.0;
};

/// The gains standardized to mean 0 and variance 1, clipped to [-2, 2].
[[nodiscard]] ROLEWISE_INLINE std::vector<double> standardized(const std::vector<gain_seen>& seen);

/// Selects points with a high upper confidence bound, several for one time: each selected point
/// counts as observed in the variance of the next ones, whatever its value will be.
class bandit {
 public:
  /// @param seen not empty
  /// @param pending points under evaluation, without a result yet
  bandit(const std::vector<gain_seen>& seen, std::vector<timed_place> pending);

  /// The best of `candidates` random points, then improved by a search along each axis in turn.
  [[nodiscard]] std::vector<double> pick(double time, std::size_t dimensions,
                                         std::int64_t candidates, seed key);

  [[nodiscard]] const gaussian_process::settings& settings() const { return settings_; }

 private:
  [[nodiscard]] static std::vector<timed_place> places_of(const std::vector<gain_seen>& seen);

  std::vector<double> values_;
  gaussian_process::settings settings_;
  gaussian_process known_;
  std::vector<timed_place> certain_;  ///< observed, pending or selected
  double exploration_ = 0.0;
};

}  // namespace rolewise::search::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/detail/implementation/bandit.hpp>
#endif
