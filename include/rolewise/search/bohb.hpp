// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// BOHB: Hyperband budgets with configurations from a tree-structured Parzen estimator.

#include <rolewise/search/hyperband.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/search/tree_parzen.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace rolewise::search {

/// BOHB: `hyperband` allocates the epochs, `tree_parzen` proposes the configurations, from the
/// scores at the highest number of epochs at which enough trials were evaluated. A third of the
/// configurations is random, so that it is never much worse than Hyperband.
///
///     run_search(bohb{.budget = {.most = 27}}, space, ..., {.trials = 49, .epochs = 27});
///
/// With d dimensions the model needs d + 3 evaluated trials; at least d + 1 of them are good.
///
/// @par Source
/// Falkner, Klein, Hutter: BOHB: Robust and Efficient Hyperparameter Optimization at Scale, ICML
/// 2018, arXiv 1807.01774, algorithm 2; the numbers are those of its section 4.
/// @par Departs
/// The densities are those of `tree_parzen`: a bandwidth per kernel and a prior, where the paper
/// has one bandwidth by a rule of thumb; no configuration is both good and bad, where the paper
/// lets the two sets overlap while they are small.
struct bohb {
  static constexpr std::string_view name = "bohb";
  static constexpr bool has_state = false;

  hyperband budget{};
  tree_parzen proposals{.start_up = 2,
                        .candidates = 64,
                        .random_share = 1.0 / 3.0,
                        .least_width = 1e-3,
                        .widening = 3.0};

  /// @throws std::invalid_argument for members out of their range
  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed key) const;
};

static_assert(SearchStrategy<bohb>);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/bohb.hpp>
#endif
