// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Comparison of a search with random search at equal cost.

#include <rolewise/measurement/paired_difference.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_lineage.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::measurement {

/// The cost of a search: the epochs trained, summed over all trials. A round in which a trial
/// failed counts in full.
/// @throws std::invalid_argument as `lineage_of(history)`
[[nodiscard]] ROLEWISE_INLINE std::int64_t cost_of(const search::search_history& history);

/// The final scores: those of the trials trained for all epochs of the search, by number of the
/// trial.
[[nodiscard]] ROLEWISE_INLINE std::vector<double> scores_in_the_end(
    const search::search_history& history);

namespace detail {

/// The number of full trials that the cost of a search pays for.
[[nodiscard]] ROLEWISE_INLINE std::int64_t trials_at_cost_of(
    const search::search_history& searched);

/// `scores_in_the_end`, with the lowest of them for each failed trial: leaving these out would
/// favor a search that fails often.
[[nodiscard]] ROLEWISE_INLINE std::vector<double> scores_with_failures(
    const search::search_history& history);

/// The final scores of a random search, checked to be comparable.
[[nodiscard]] ROLEWISE_INLINE std::vector<double> comparable_scores(
    const search::search_history& searched, const search::search_history& random);

[[nodiscard]] ROLEWISE_INLINE double best_of(const search::search_history& searched);

}  // namespace detail

/// The best score of a search compared with the best of random search at equal cost.
struct against_random {
  double best = 0.0;               ///< final score of the search
  std::int64_t random_trials = 0;  ///< random trials at equal cost
  double random_mean = 0.0;        ///< mean of the best of that many random trials
  double random_low = 0.0;         ///< lower end of the 95 % interval of that best
  double random_high = 0.0;        ///< upper end
  double as_good = 0.0;            ///< probability that the random best is as good or better

  friend bool operator==(const against_random&, const against_random&) = default;
};

/// Compares the best final score of a search with the best of as many random trials as cost the
/// same, over all subsets of that size from a longer random search. That is exact: with n scores,
/// the best of m lies at or below the k-th lowest with probability C(k, m) / C(n, m). A failed
/// random trial gets the lowest score of the others.
/// @param random of the same space and epochs; more trials give a more precise estimate. With
///        just as many as cost the same, their best is a single value, without an interval.
/// @throws std::invalid_argument for other spaces, other epochs or too few random trials
[[nodiscard]] ROLEWISE_INLINE against_random
compared_to_random(const search::search_history& searched, const search::search_history& random);

/// The improvement of the best final score over random search at equal cost, over seeds: pair i
/// is `searched[i]` and as many of the first trials of `random[i]` as cost the same.
/// @throws std::invalid_argument for fewer than 2 pairs, other spaces, other epochs or too few
///         random trials
[[nodiscard]] ROLEWISE_INLINE paired_difference
improvement_over_random(const std::vector<search::search_history>& searched,
                        const std::vector<search::search_history>& random);

}  // namespace rolewise::measurement

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/measurement/implementation/against_random.hpp>
#endif
