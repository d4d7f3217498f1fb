// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Regularized (aging) evolution: the oldest members leave the population.

#include <rolewise/core/draws.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::search {

/// Regularized (aging) evolution. Trials start in the order of their numbers: the first
/// `population` at random configurations, each later one as a child of the best of `sample` trials
/// drawn with replacement from the population. The population is the `population` youngest of the
/// trials that have finished training and have a score; so a good trial, too, leaves it by age,
/// and only what scores well again when retrained persists. A child differs from its parent in
/// one dimension.
///
/// A failed trial enters the population and ages like one with a score, but ranks below all of
/// those; if a sample contains no other, the child starts at a random configuration.
///
/// At most `max_concurrent_trials` trials train; no child starts before `population` trials are
/// done, unless no trial is training. Of equals the lower number ranks first.
///
/// Only the configuration is inherited: each trial trains from its own initialization, for all its
/// epochs. The decision records the parent (`start_trial::parent`).
///
/// @par Determinism
/// A child is a function of seed, its number, and the configurations and scores of the population.
/// @par Source
/// Real, Aggarwal, Huang, Le: Regularized Evolution for Image Classifier Architecture Search,
/// AAAI 2019, arXiv 1802.01548, algorithm 1.
/// @par Departs
/// The paper's space has choices only. Here a mutation draws another value uniformly: a name or
/// an integer that the parent does not have, any real number. No child is a plain copy (the
/// paper's identity mutation), unless the space has one configuration. Age is measured by trial
/// number.
struct regularized_evolution {
  static constexpr std::string_view name = "regularized-evolution";
  static constexpr bool has_state = false;

  std::int64_t population = 16;  ///< P; at least 1
  std::int64_t sample = 4;       ///< S; at least 1
  std::int64_t max_concurrent_trials =
      0;  ///< trials that train at a time; 0: the size of the population

  /// @throws std::invalid_argument for members out of their range
  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed key) const;

  /// A mutation: differs from the parent in one dimension that has more than one value.
  [[nodiscard]] static configuration mutated(const search_space& space, const configuration& parent,
                                             seed key);

 private:
  [[nodiscard]] static bool has_several_values(const dimension& d);

  /// The population, by number.
  [[nodiscard]] std::vector<const trial_state*> youngest(
      const std::vector<const trial_state*>& trials) const;

  /// Null if all trials drawn have failed.
  [[nodiscard]] const trial_state* best_of_sample(const std::vector<const trial_state*>& alive,
                                                  seed key) const;
};

static_assert(SearchStrategy<regularized_evolution>);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/regularized_evolution.hpp>
#endif
