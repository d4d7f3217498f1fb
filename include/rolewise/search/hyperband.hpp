// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Hyperband: successive halving from many trials with early rungs to few with late ones.

#include <rolewise/search/configuration_proposer.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::search {

/// Hyperband: runs brackets of successive halving one after the other. Each costs about as much
/// as the others and has a later first rung than the one before it.
///
///     most 81, eta 3:  81 trials with rungs 1 3 9 27 81,  34 with 3 9 27 81,  15 with 9 27 81,
///                      8 with 27 81,  5 that are trained to 81 without a rung before
///
/// Trials are assigned by number: the first 81 to the first bracket, and so on; after the last
/// bracket the first one repeats. A bracket starts in the round in which the one before it has
/// ended, with fewer trials if no more are left. `trials()` is the number for one pass. A trial
/// that has been trained for `most` epochs is stopped. Failures are handled as in
/// `successive_halving`.
///
/// @par Determinism
/// Configurations are those of `random_search`. Ties as in `successive_halving`.
/// @par Source
/// Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar: Hyperband: A Novel Bandit-Based Approach to
/// Hyperparameter Optimization, JMLR 18, 2018, arXiv 1603.06560, algorithm 1.
/// @par Departs
/// Epochs of a rung are rounded down to integers where `most` is no power of `eta`.
struct hyperband {
  static constexpr std::string_view name = "hyperband";
  static constexpr bool has_state = false;

  struct bracket {
    std::int64_t trials = 1;
    std::vector<std::int64_t> rungs;  ///< in epochs, ascending; the last ends the bracket

    friend bool operator==(const bracket&, const bracket&) = default;
  };

  std::int64_t eta = 3;    ///< at least 2
  std::int64_t most = 81;  ///< epochs of a trial; 1 .. 10^9

  /// The brackets in execution order.
  /// @throws std::invalid_argument for members out of their range
  [[nodiscard]] std::vector<bracket> brackets() const;

  /// The number of trials of one pass over all brackets.
  [[nodiscard]] std::int64_t trials() const
  {
    std::int64_t count = 0;
    for (const auto& b : brackets()) count += b.trials;
    return count;
  }

  /// The decisions, with new configurations from `propose`.
  /// @throws std::invalid_argument for members out of their range
  [[nodiscard]] std::vector<decision> decide(const std::vector<trial_state>& trial_states,
                                             const configuration_proposer& propose) const;

  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed key) const;

 private:
  /// Decides on the trials of one bracket. Returns whether none of them trains any more.
  [[nodiscard]] bool has_ended(const std::vector<const trial_state*>& members, const bracket& plan,
                               const configuration_proposer& propose,
                               std::vector<decision>& made) const;
};

static_assert(SearchStrategy<hyperband>);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/hyperband.hpp>
#endif
