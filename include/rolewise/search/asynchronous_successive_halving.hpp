// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Asynchronous successive halving (ASHA): trials pass rungs without waiting for the others.

#include <rolewise/search/configuration_proposer.hpp>
#include <rolewise/search/detail/halving.hpp>
#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/error.hpp>

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
                                             const configuration_proposer& propose) const
  {
    if (eta < 2 || first_rung < 1 || max_concurrent_trials < 1)
      throw_invalid_argument(name, "want eta >= 2, first_rung and max_concurrent_trials >= 1, got ",
                             eta, ", ", first_rung, " and ", max_concurrent_trials);
    const auto trials = detail::by_number(trial_states);
    std::vector<decision> made;
    std::int64_t running = 0;
    for (const auto* s : trials) {
      if (!detail::is_running(*s)) continue;
      if (holds(*s, trials))
        ++running;
      else
        made.emplace_back(stop_trial{s->trial});
    }
    for (const auto* s : trials) {
      if (s->at || s->finished || running >= max_concurrent_trials) continue;
      made.emplace_back(start_trial{s->trial, propose(s->trial)});
      ++running;
    }
    return detail::with_others_kept(trial_states, made);
  }

  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed key) const
  {
    return decide(trial_states,
                  [&](std::int64_t trial) { return random_search::propose(space, key, trial); });
  }

 private:
  /// Whether a trial is promoted at each rung that it has reached since the last round.
  [[nodiscard]] bool holds(const trial_state& s,
                           const std::vector<const trial_state*>& trials) const
  {
    if (s.past.empty()) return true;
    const auto current = s.past.back().epoch;
    const auto before = s.past.size() > 1 ? s.past[s.past.size() - 2].epoch : 0;
    for (auto rung = first_rung; rung <= current; rung = detail::times(rung, eta)) {
      if (rung > before && !is_promoted(s, trials, rung)) return false;
      if (rung > current / eta) break;
    }
    return true;
  }

  [[nodiscard]] bool is_promoted(const trial_state& s,
                                 const std::vector<const trial_state*>& trials,
                                 std::int64_t rung) const
  {
    const auto own = s.past.back().score;
    std::size_t there = 0, ahead = 0;
    for (const auto* other : trials) {
      const auto score = detail::score_after(*other, rung);
      if (!score) continue;
      ++there;
      if (*score > own || (*score == own && other->trial < s.trial)) ++ahead;
    }
    return ahead < detail::promoted(there, eta);
  }
};

static_assert(SearchStrategy<asynchronous_successive_halving>);

}  // namespace rolewise::search
