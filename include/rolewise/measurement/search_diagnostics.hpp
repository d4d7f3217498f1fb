// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Diagnostics of a search from its history: founders, explored values, early scores as a proxy.

#include <rolewise/search/configuration.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_lineage.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rolewise::measurement {

/// The founders with descendants among the trials of one round.
struct founders_in_round {
  std::int64_t round = 0;
  std::int64_t trials = 0;          ///< trained and scored in the round
  std::int64_t founders = 0;        ///< that those trials descend from
  std::int64_t largest_family = 0;  ///< largest number that descends from one founder

  friend bool operator==(const founders_in_round&, const founders_in_round&) = default;
};

/// Counts per round how many founders the trials descend from. A founder is a trial that started
/// neither as a copy nor at a configuration derived from another's. A copy descends from the trial
/// whose state it took over, a trial started at a derived configuration from the trial of the
/// original configuration.
/// @throws std::invalid_argument as `lineage_of(history)`
[[nodiscard]] ROLEWISE_INLINE std::vector<founders_in_round> founders_by_round(
    const search::search_history& history);

/// The first round from which on all trials descend from one founder; empty if they descend from
/// several at the end, or if there was only one trial.
/// @throws std::invalid_argument as `lineage_of(history)`
[[nodiscard]] ROLEWISE_INLINE std::optional<std::int64_t> collapse_round(
    const search::search_history& history);

/// The values that a search explored along one dimension.
struct explored_dimension {
  struct tried {
    search::configuration::value value;
    std::int64_t epochs = 0;  ///< trained at this value, summed over trials

    friend bool operator==(const tried&, const tried&) = default;
  };
  std::string name;
  std::vector<tried> values;  ///< distinct, ascending; names in alphabetical order
  /// For integers and choices the share of values tried; for reals the distance between the
  /// lowest and the highest value tried, as a share of the interval on its linear or logarithmic
  /// scale. In [0, 1].
  double coverage = 0.0;

  friend bool operator==(const explored_dimension&, const explored_dimension&) = default;
};

namespace detail {

[[nodiscard]] ROLEWISE_INLINE double coverage_of(
    const search::dimension& d, const std::vector<explored_dimension::tried>& values);

}  // namespace detail

/// The values explored, per dimension, in the order of the space.
/// @throws std::invalid_argument as `lineage_of(history)`, and for configurations outside the space
[[nodiscard]] ROLEWISE_INLINE std::vector<explored_dimension> explored_values(
    const search::search_history& history);

/// Early and final scores of the same trials, for `spearman` and `kendall_tau_b`.
struct proxy_scores {
  std::vector<std::int64_t> trials;
  std::vector<double> proxy, last;
};

/// The scores after `epoch` epochs and after `history.epochs`, of the trials that have both and
/// did not become copies in between: measures whether the early ranking predicts the final one.
[[nodiscard]] ROLEWISE_INLINE proxy_scores proxy_and_last(const search::search_history& history,
                                                          std::int64_t epoch);

}  // namespace rolewise::measurement

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/measurement/implementation/search_diagnostics.hpp>
#endif
