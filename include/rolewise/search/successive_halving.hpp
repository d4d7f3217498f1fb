// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Successive halving: start many trials, continue with the best share at each rung.

#include <rolewise/search/configuration_proposer.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <vector>

namespace rolewise::search {

/// Successive halving: starts all trials at once, at random configurations. At the rungs
/// `first_rung`, `first_rung * eta`, `first_rung * eta^2`, ... epochs the best 1 / eta of the
/// remaining trials continue (rounded down, at least one), the others are stopped. The last one
/// trains until its epochs are used up.
///
///     27 trials, eta 3, first rung 1:  27 for 1 epoch, 9 to 3, 3 to 9, one beyond
///
/// A trial's score at a rung is the first one recorded there or later: choose rounds that end at
/// the rungs. A rung is decided when every remaining trial has such a score or has finished. Of
/// equal scores the lower number continues. A trial that fails is stopped at once and ranks last
/// at every rung that it would have reached, so others continue in its place.
///
/// @par Determinism
/// Configurations are those of `random_search`.
/// @par Source
/// Jamieson, Talwalkar: Non-stochastic Best Arm Identification and Hyperparameter Optimization,
/// 2015, arXiv 1502.07943, section 2; with an eta as in Li, Jamieson, DeSalvo, Rostamizadeh,
/// Talwalkar: Hyperband, 2016, arXiv 1603.06560.
/// @par Departs
/// The first paper halves (eta 2) and computes the rungs from a total budget; here the first rung
/// is given, and the budget follows from the number of trials.
struct successive_halving {
  static constexpr std::string_view name = "successive-halving";
  static constexpr bool has_state = false;

  std::int64_t eta = 3;         ///< at least 2
  std::int64_t first_rung = 1;  ///< epochs; at least 1

  /// The decisions, with new configurations from `propose`.
  /// @throws std::invalid_argument for members out of their range
  [[nodiscard]] std::vector<decision> decide(const std::vector<trial_state>& trial_states,
                                             const configuration_proposer& propose) const;

  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed key) const;
};

static_assert(SearchStrategy<successive_halving>);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/successive_halving.hpp>
#endif
