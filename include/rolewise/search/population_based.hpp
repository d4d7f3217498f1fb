// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Population based training: the worst trials continue as perturbed copies of the best.

#include <rolewise/core/draws.hpp>
#include <rolewise/core/fraction.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/search/detail/population.hpp>
#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/search/explore.hpp>
#include <rolewise/search/inside.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise::search {

/// Population based training (exploit and explore): in each round, trials are ranked by score.
/// Each of the lower quarter becomes a copy of one of the upper quarter, drawn uniformly, and
/// continues at a configuration near the donor's (`explore`).
///
/// Ranked are the trials that train and have a score, of equal scores the lower number first. The
/// quarters are `ceil(quantile * trials)` trials each (4 of 16), never more than half of them; a
/// single trial is never replaced by rank. Failed trials rank below all scores: they are the
/// first of the lower quarter, become copies also where they are more than a quarter, and are
/// never copied. If no trial is left to be copied they are stopped.
///
///     run_search(population_based{.first = configuration_of(augmentation_policy{})},
///     policy_space(), ...,
///           {.trials = population_based::usual_trials,
///            .epochs = 200,
///            .evaluation_interval = population_based::usual_epochs_per_round});
///
/// @par Determinism
/// Donors and configurations are functions of the seed, the number of the trial that is replaced,
/// its epoch and the number of its scores.
/// @throws std::invalid_argument for a space without dimensions, a first configuration outside it,
///         a quantile above 0.5 and settings that `explore` rejects
/// @par Source
/// Jaderberg et al.: Population Based Training of Neural Networks, 2017, arXiv 1711.09846,
/// section 4.1, truncation selection. Settings: Ho, Liang, Stoica, Abbeel, Chen: Population Based
/// Augmentation, 2019, arXiv 1905.05393, section 3.2, and the published code.
/// @par Departs
/// All trials are compared at once; in the source each is compared when it reports
/// (`population_based_asynchronous`). Configurations are explored from the donor's, as in
/// Population Based Augmentation.
struct population_based {
  static constexpr std::string_view name = "population-based";
  static constexpr bool has_state = false;
  static constexpr std::int64_t usual_trials = 16;
  static constexpr std::int64_t usual_epochs_per_round = 3;

  fraction quantile{0.25};  ///< at most 0.5
  exploration exploring{};
  /// Initial values of every trial, in the dimensions that it names; the others are drawn.
  /// Population Based Augmentation begins with policies of zeros,
  /// `configuration_of(augmentation_policy{})`.
  configuration first{};

  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed key) const;

 private:
  [[nodiscard]] static std::vector<detail::contender> ranking(
      const std::vector<trial_state>& trial_states);
};

static_assert(SearchStrategy<population_based>);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/population_based.hpp>
#endif
