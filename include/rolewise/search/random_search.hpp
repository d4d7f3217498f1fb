// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Random search: each trial at its own random configuration; the baseline for other strategies.

#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/inline.hpp>

namespace rolewise::search {

/// Random search: starts each trial at a configuration drawn uniformly from the space and keeps it
/// there. A trial that fails is stopped, the others continue.
///
/// @par Determinism
/// The configuration is a function of the seed and the number of the trial: it depends neither on
/// the number of trials nor on their scores.
/// @par Source
/// Bergstra, Bengio: Random Search for Hyper-Parameter Optimization, JMLR 13, 2012, section 2.
struct random_search {
  static constexpr std::string_view name = "random-search";
  static constexpr bool has_state = false;

  /// The configuration at which a trial starts.
  [[nodiscard]] static configuration propose(const search_space& space, seed key,
                                             std::int64_t trial)
  {
    return space.sample(key.split(purpose{name}).split(static_cast<std::uint64_t>(trial)));
  }

  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed key) const;
};

static_assert(SearchStrategy<random_search>);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/random_search.hpp>
#endif
