// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Asynchronous population based training, as in Ray Tune, replayed from random draws.

#include <rolewise/core/draws.hpp>
#include <rolewise/core/fraction.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/search/detail/population.hpp>
#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/search/explore.hpp>
#include <rolewise/search/inside.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::search {

/// Asynchronous population based training: the trials of `population_based` report one after the
/// other. The scores of a round arrive over time; each trial is compared with what the others
/// have reported by then, and may become a copy of another trial's state of the round before.
///
/// In a round, trial i reports at a time t_i, uniform in [0, 1). Then:
///
///  1. Trial i uses the new score of trial j if `t_j <= t_i + delay`, else j's score of the round
///     before, if it has one. These scores are ranked as in `population_based`.
///  2. If i is in the upper quantile, its state is kept for copies until it reports again; else
///     none is kept.
///  3. If i is in the lower quantile, a donor j is drawn uniformly from the upper quantile. If a
///     state of j's last report visible to i is kept, i becomes a copy of it: of this round's j
///     (`evaluations_ago` 0), or of j one round ago (`evaluations_ago` 1), at a configuration near
///     j's. Else i continues unchanged.
///
/// A failure is visible to all trials at once; a failed trial ranks below all scores and is never
/// copied. It cannot continue, so it waits until all have reported and becomes a copy of one of
/// the upper quantile of this round, whether or not a state of that one is kept; if no trial is
/// left to be copied it is stopped.
///
/// If ranks are stable from round to round, a quarter of all trials is replaced in a round, and a
/// donor is one round behind with probability `(1 - delay)^2 / 2`. The default makes that
/// `102 / 279`, as observed in a recorded search (in 177 copies the donor had reported, in 102
/// not; 26 % of its decisions were copies). `delay` 0 is the published scheduler's rule. When
/// scores rise fast, old ones rank low, so fewer donors are behind.
///
/// @par Determinism
/// Times, donors and configurations are functions of the seed, the number of a trial and the number
/// of its scores.
/// @throws std::invalid_argument as `population_based`
/// @par Source
/// `PopulationBasedTraining` of ray-project/ray, 0.7: Liaw, Liang, Nishihara, Moritz, Gonzalez,
/// Stoica: Tune: A Research Platform for Distributed Model Selection and Training, 2018,
/// arXiv 1807.05118. The recorded search: code bigaidream-projects/role-kd, 42a9362, of
/// arXiv 2004.08861.
/// @par Departs
/// Rounds are synchronized, so no trial is more than one round behind when it decides. A trial
/// that has finished is left out of the comparisons of the round before as well.
struct population_based_asynchronous {
  static constexpr std::string_view name = "population-based-asynchronous";
  static constexpr bool has_state = false;
  static constexpr bool reads_history = true;

  fraction quantile{0.25};  ///< at most 0.5
  exploration exploring{};
  configuration first{};             ///< as in `population_based`
  fraction delay{0.14490772679264};  ///< how long a report waits for those of others, in rounds

  /// The report time, within the round, of a trial's score number `score` (1 for the first).
  [[nodiscard]] static double report_time(seed key, std::int64_t trial, std::size_t score);

  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed key) const;

 private:
  /// The upper and the lower quantile as ranked by one trial, best first.
  struct quantiles {
    std::vector<detail::contender> ranked;
    std::size_t count = 0;
    std::size_t donors = 0;  ///< trials of the upper quantile that have not failed

    [[nodiscard]] bool has_upper(std::size_t place) const;
    [[nodiscard]] bool has_lower(std::size_t place) const;
  };

  [[nodiscard]] static bool is_ranked(const trial_state& s)
  {
    return !s.finished && s.at.has_value() && !s.past.empty();
  }

  /// Whether the other's report of the round `rounds_ago` rounds ago was visible to `one` when it
  /// reported in that round.
  [[nodiscard]] bool knows(const trial_state& one, const trial_state& other, std::size_t rounds_ago,
                           seed key) const;

  [[nodiscard]] quantiles seen_by(const trial_state& one, std::size_t rounds_ago,
                                  const std::vector<trial_state>& trial_states, seed key) const;

  [[nodiscard]] quantiles ordered(quantiles seen) const;

  [[nodiscard]] decision instead_of_failed(const trial_state& s, const search_space& space,
                                           const std::vector<trial_state>& trial_states,
                                           seed key) const;

  [[nodiscard]] static seed look_of(const trial_state& s, seed key);

  [[nodiscard]] std::optional<exploit_trial> copy_for(std::size_t place, const search_space& space,
                                                      const std::vector<trial_state>& trial_states,
                                                      seed key) const;
};

static_assert(SearchStrategy<population_based_asynchronous>);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/population_based_asynchronous.hpp>
#endif
