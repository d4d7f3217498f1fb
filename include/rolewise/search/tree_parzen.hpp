// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The tree-structured Parzen estimator (TPE): configurations by the density ratio of good to bad
/// trials.

#include <rolewise/core/draws.hpp>
#include <rolewise/search/detail/parzen_estimator.hpp>
#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/search/detail/unit_cube.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise::search {

/// TPE: at most `max_concurrent_trials` trials train, the others wait for a slot in the order of
/// their numbers. Trials train until their epochs are used up.
///
/// The configuration of a new trial: the evaluated trials are split by score into the good (the
/// best `good_share` of them, rounded up, at most 25) and the bad. A Parzen estimator models the
/// density of each part. Of `candidates` configurations drawn from that of the good, the one with
/// the highest log(good) - log(bad) is selected (the first of equals). Kernels are products over
/// all dimensions, so interactions of values are modeled. Good configurations are weighted by their
/// advantage over the best bad one, bad ones equally. While fewer than `start_up` trials are
/// evaluated, configurations are random.
///
/// Scores are compared at one number of epochs: the highest at or after which at least `start_up`
/// trials have been evaluated. So trials in training count as soon as there are enough of them,
/// and if some were stopped early the others make the model. A failed trial counts as evaluated
/// at any number of epochs, with a score below all others: it is bad, and is weighted like the
/// bad ones.
///
/// The same configuration may be proposed twice; a space of few configurations is better served by
/// `grid`.
///
/// **Cost** of a configuration: candidates x evaluated trials x dimensions kernels; 2 ms for 24,
/// 100 and 4.
///
/// @par Determinism
/// The configuration is a function of seed, number and the scores so far; trials that start in one
/// round differ by their draws.
/// @par Source
/// Bergstra, Bardenet, Bengio, Kegl: Algorithms for Hyper-Parameter Optimization, NIPS 2011,
/// section 4; in the multivariate form with the kernels, widths, weights and prior of Watanabe:
/// Tree-Structured Parzen Estimator: Understanding Its Algorithm Components and Their Roles for
/// Better Empirical Performance, 2023, arXiv 2304.11127, section 3 (split `linear`, weights by
/// expected improvement, widths of hyperopt, exponent 2 of the least width).
struct tree_parzen {
  static constexpr std::string_view name = "tree-parzen";
  static constexpr bool has_state = false;

  std::int64_t max_concurrent_trials = 1;  ///< trials that train at a time; at least 1
  std::int64_t start_up = 10;              ///< evaluated trials before there is a model; at least 2
  double good_share = 0.15;                ///< of the evaluated trials; above 0, below 1
  std::int64_t least_good = 1;             ///< lower bound on the number of good trials; at least 1
  std::int64_t candidates = 24;            ///< at least 1
  double random_share = 0.0;  ///< share of random configurations among new ones; 0 .. 1
  double least_width = 0.03;  ///< lower bound on kernel widths in the unit cube; above 0
  double other_names = 0.2;   ///< probability of all other names in a kernel; above 0, below 1
  double widening = 1.0;      ///< factor on kernel widths for drawing candidates; above 0

  /// The configuration at which a trial starts.
  /// @throws std::invalid_argument for members out of their range
  [[nodiscard]] configuration propose(const search_space& space,
                                      const std::vector<trial_state>& trial_states, seed key,
                                      std::int64_t trial) const;

  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed key) const;

 private:
  struct observation {
    std::vector<double> at;
    double score = 0.0;
  };

  void require_sound() const;

  /// The evaluated trials, best first.
  [[nodiscard]] std::vector<observation> scored(const search_space& space,
                                                const std::vector<trial_state>& trial_states) const;

  [[nodiscard]] std::pair<detail::parzen_estimator, detail::parzen_estimator> densities(
      const search_space& space, std::vector<observation> seen) const;
};

static_assert(SearchStrategy<tree_parzen>);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/tree_parzen.hpp>
#endif
