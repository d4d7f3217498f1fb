// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Successive halving in which nobody waits for the slowest.

#include <rolewise/core/error.hpp>
#include <rolewise/search/detail/halving.hpp>
#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/search/point_proposer.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/search_strategy.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise {

/// ASHA: at most `at_once` trials train, the others wait for a place in the order of their numbers.
/// A trial that reaches a rung (`first_rung * eta^k` epochs) at this look goes on if it is among
/// the best 1 / eta (rounded down, at least one) of all scores that were ever got at that rung, its
/// own and those of the same look included; else it is stopped and its place given away.
///
/// What counts at a rung is the first score that a trial got there or later. A trial that has
/// passed several rungs since the last look must hold at each of them. Of equal scores the lower
/// number goes on. `first_rung` is the paper's r * eta^s: a larger one stops later. A trial that
/// fails is stopped, its place given away at once; at rungs that its round would have reached it
/// counts among the scores, as the lowest.
///
/// @par Determinism
/// Points are those of `random_search`.
/// @par Source
/// Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht, Talwalkar: A System for Massively
/// Parallel Hyperparameter Tuning, MLSys 2020, arXiv 1810.05934, section 3.2.
/// @par Departs
/// The paper pauses each trial at its rung and may promote it at any time later. In a search a
/// trial trains or is stopped for good, so it is judged once, when it gets there. This is the
/// stopping variant of Klein, Tiao, Lienart, Archambeau, Seeger: Model-based Asynchronous
/// Hyperparameter and Neural Architecture Search, 2020, arXiv 2003.10865; like it, it never trains
/// a trial twice, and lets early comers go on that the paper would have paused.
struct asynchronous_successive_halving {
  static constexpr std::string_view name = "asynchronous-successive-halving";
  static constexpr bool has_state = false;

  std::int64_t eta = 4;         ///< at least 2
  std::int64_t first_rung = 1;  ///< epochs; at least 1
  std::int64_t at_once = 4;     ///< trials that train at a time; at least 1

  /// The decisions, with points from somebody else.
  /// @throws std::invalid_argument for members out of their range
  [[nodiscard]] std::vector<decision> decide(const std::vector<standing>& standings,
                                             const point_proposer& propose) const
  {
    if (eta < 2 || first_rung < 1 || at_once < 1)
      refuse(name, "want eta >= 2, first_rung and at_once >= 1, got ", eta, ", ", first_rung,
             " and ", at_once);
    const auto trials = detail::by_number(standings);
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
      if (s->at || s->finished || running >= at_once) continue;
      made.emplace_back(start_trial{s->trial, propose(s->trial)});
      ++running;
    }
    return detail::with_others_kept(standings, made);
  }

  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<standing>& standings,
                                                 seed key) const
  {
    return decide(standings,
                  [&](std::int64_t trial) { return random_search::propose(space, key, trial); });
  }

 private:
  /// Whether a trial is good enough at each rung that it has reached since the last look.
  [[nodiscard]] bool holds(const standing& s, const std::vector<const standing*>& trials) const
  {
    if (s.past.empty()) return true;
    const auto now = s.past.back().epoch;
    const auto before = s.past.size() > 1 ? s.past[s.past.size() - 2].epoch : 0;
    for (auto rung = first_rung; rung <= now; rung = detail::times(rung, eta)) {
      if (rung > before && !is_promoted(s, trials, rung)) return false;
      if (rung > now / eta) break;
    }
    return true;
  }

  [[nodiscard]] bool is_promoted(const standing& s, const std::vector<const standing*>& trials,
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

}  // namespace rolewise
