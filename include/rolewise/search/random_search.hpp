// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Every trial at a point of its own, drawn at random: what a cleverer strategy must beat.

#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/search/search_strategy.hpp>

namespace rolewise {

/// Starts each trial at a point drawn uniformly from the space and leaves it there. One that fails
/// is stopped, the others go on.
///
/// @par Determinism
/// The point is a function of the seed and the number of the trial: it depends neither on how many
/// trials there are nor on how they do.
/// @par Source
/// Bergstra, Bengio: Random Search for Hyper-Parameter Optimization, JMLR 13, 2012, section 2.
struct random_search {
  static constexpr std::string_view name = "random-search";
  static constexpr bool has_state = false;

  /// The point that a trial starts at.
  [[nodiscard]] static point propose(const search_space& space, seed key, std::int64_t trial)
  {
    return space.sample(key.split(purpose{name}).split(static_cast<std::uint64_t>(trial)));
  }

  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<standing>& standings,
                                                 seed key) const
  {
    std::vector<decision> decisions;
    for (const auto& s : standings) {
      if (s.finished) continue;
      if (detail::has_failed(s))
        decisions.emplace_back(stop_trial{s.trial});
      else if (s.at)
        decisions.emplace_back(keep_trial{s.trial});
      else
        decisions.emplace_back(start_trial{s.trial, propose(space, key, s.trial)});
    }
    return decisions;
  }
};

static_assert(SearchStrategy<random_search>);

}  // namespace rolewise
