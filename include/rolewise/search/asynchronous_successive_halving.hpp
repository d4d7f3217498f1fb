// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Asynchronous successive halving (ASHA): trials pass rungs without waiting for the others.

#include <rolewise/search/configuration_proposer.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::search {

/// ASHA: at most `max_concurrent_trials` trials train, the others wait for a slot in the order of
/// their numbers. A trial that reaches a rung (`first_rung * eta^k` epochs) in a round continues if
/// it is among the best 1 / eta (rounded down, at least one) of all scores recorded at that rung so
/// far, its own and those of the same round included; else it is stopped and its slot is freed.
///
/// A trial's score at a rung is the first one recorded there or later. A trial that has passed
/// several rungs since the last round must be promoted at each of them. Of equal scores the lower
/// number continues. `first_rung` is the paper's r * eta^s: a larger one stops later. A trial
/// that fails is stopped and its slot is freed at once; at the rungs that its round would have
/// reached it counts as the lowest score.
///
/// @par Determinism
/// Configurations are those of `random_search`.
/// @par Source
/// Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht, Talwalkar: A System for Massively
/// Parallel Hyperparameter Tuning, MLSys 2020, arXiv 1810.05934, section 3.2.
/// @par Departs
/// The paper pauses each trial at its rung and may promote it at any later time. Here a trial
/// either trains or is stopped for good, so it is compared once, when it reaches the rung. This
/// is the stopping variant of Klein, Tiao, Lienart, Archambeau, Seeger: Model-based Asynchronous
/// Hyperparameter and Neural Architecture Search, 2020, arXiv 2003.10865; like it, it never
/// trains a trial twice, and continues early arrivals that the paper would have paused.
struct asynchronous_successive_halving {
  static constexpr std::string_view name = "asynchronous-successive-halving";
  static constexpr bool has_state = false;

  std::int64_t eta = 4;                    ///< at least 2
  std::int64_t first_rung = 1;             ///< epochs; at least 1
  std::int64_t max_concurrent_trials = 4;  ///< trials that train at a time; at least 1

  /// The decisions, with new configurations from `propose`.
  /// @throws std::invalid_argument for members out of their range
  [[nodiscard]] std::vector<decision> decide(const std::vector<trial_state>& trial_states,
                                             const configuration_proposer& propose) const;

  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed key) const;

 private:
  /// Whether a trial is promoted at each rung that it has reached since the last round.
  [[nodiscard]] bool holds(const trial_state& s,
                           const std::vector<const trial_state*>& trials) const;

  [[nodiscard]] bool is_promoted(const trial_state& s,
                                 const std::vector<const trial_state*>& trials,
                                 std::int64_t rung) const;
};

static_assert(SearchStrategy<asynchronous_successive_halving>);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/asynchronous_successive_halving.hpp>
#endif
