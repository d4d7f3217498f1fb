// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// CMA-ES: samples from a normal distribution with adapted mean, step size and covariance.

#include <rolewise/core/draws.hpp>
#include <rolewise/search/detail/covariance_adaptation.hpp>
#include <rolewise/search/detail/decompositions.hpp>
#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/search/detail/unit_cube.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

namespace rolewise::search {

/// CMA-ES: consecutive trials by number form generations; a generation starts when all trials of
/// the one before it are done. Its points are draws from a normal distribution over the unit
/// cube. The mean begins in the middle; mean, step size and covariance are updated from the
/// better half of each generation: from the steps that were good, and from the correlation of
/// successive steps.
///
/// A real or integer is one coordinate (logarithmic intervals by their logarithm); a choice has
/// one coordinate per name, and the highest selects the name. Coordinates outside [0, 1] are
/// reflected at the ends. A trial that is done without a score ranks last in its generation; of
/// equals the lower number ranks first. A failed trial ranks last, too, and the distribution
/// never moves toward its point: if fewer than half of a generation have not failed, the mean
/// replaces the missing points, and a generation that failed as a whole causes no update.
///
/// Suited to correlated real numbers and a budget of some hundred trials.
///
/// **Cost** of a round: the whole search is replayed, for each generation some c^3
/// multiplications for c coordinates, so that the strategy stays stateless.
///
/// @par Determinism
/// Draws are functions of seed and number of the trial. With the symmetric square root of the
/// covariance they depend on no eigenvectors, whose signs and order a LAPACK may choose; and they
/// do not depend on the number of threads. Last bits are those of one kind of processor and one
/// build of LibTorch (LAPACK), where a recorded search resumes and a process group agrees.
/// @par Source
/// Hansen: The CMA Evolution Strategy: A Tutorial, 2016, arXiv 1604.00772, section 4 and table 1.
/// @par Departs
/// No negative weights (the tutorial's default has them), no restarts; the boundary is handled by
/// reflection, which the tutorial leaves open.
struct cma_es {
  static constexpr std::string_view name = "cma-es";
  static constexpr bool has_state = false;

  std::int64_t offspring = 0;  ///< trials per generation, at least 2; 0: 4 + 3 ln(coordinates)
  double step = 0.2;           ///< initial step size, in shares of an interval; > 0

  /// The number of trials per generation in this space.
  /// @throws std::invalid_argument for members out of their range
  [[nodiscard]] std::int64_t generation(const search_space& space) const
  {
    if ((offspring != 0 && offspring < 2) || !(step > 0.0))
      throw_invalid_argument(name, "want offspring 0 or >= 2 and step > 0, got ", offspring,
                             " and ", step);
    if (offspring != 0) return offspring;
    const auto count = static_cast<double>(std::max<std::size_t>(coordinates(space), 1));
    return 4 + static_cast<std::int64_t>(3.0 * std::log(count));
  }

  /// @throws std::invalid_argument for members out of their range
  /// @throws std::runtime_error if LibTorch is built without LAPACK
  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed key) const
  {
    const auto size = static_cast<std::ptrdiff_t>(generation(space));
    detail::require_lapack(name);
    const auto trials = detail::by_number(trial_states);
    // Without coordinates there is nothing to adapt; one unused coordinate keeps the formulas
    // valid.
    detail::covariance_adaptation state{std::max<std::size_t>(coordinates(space), 1),
                                        static_cast<std::size_t>(size), step};
    const auto own = key.split(purpose{name});
    std::vector<decision> made;
    for (auto first = trials.begin(); first != trials.end();) {
      const auto last = first + std::min(size, trials.end() - first);
      const std::vector<const trial_state*> members(first, last);
      if (!are_through(members)) {
        for (const auto* s : members)
          if (!s->at && !s->finished)
            made.emplace_back(start_trial{s->trial, located(space, drawn(state, own, s->trial))});
        break;
      }
      learn(state, members, own);
      first = last;
    }
    return detail::with_others_kept(trial_states, made);
  }

 private:
  [[nodiscard]] static std::size_t coordinates(const search_space& space)
  {
    std::size_t count = 0;
    for (const auto& d : space.dimensions()) {
      const auto* named = std::get_if<choice_of>(&d.range);
      count += named == nullptr ? 1 : named->names.size();
    }
    return count;
  }

  [[nodiscard]] static bool are_through(const std::vector<const trial_state*>& members)
  {
    return std::all_of(members.begin(), members.end(),
                       [](const auto* s) { return s->finished || detail::has_failed(*s); });
  }

  [[nodiscard]] static std::vector<double> drawn(const detail::covariance_adaptation& state,
                                                 seed own, std::int64_t trial)
  {
    return state.draw(draws{own, 0, trial});
  }

  static void learn(detail::covariance_adaptation& state,
                    const std::vector<const trial_state*>& members, seed own)
  {
    std::vector<detail::ranked_trial> ranking;
    for (const auto* s : members) ranking.push_back({s->trial, detail::score_of(*s)});
    detail::rank(ranking);
    if (ranking.size() < state.parents()) return;  // the last generation, incomplete
    const auto has_failed = [&](const detail::ranked_trial& one) {
      return std::any_of(members.begin(), members.end(), [&](const trial_state* s) {
        return s->trial == one.trial && detail::has_failed(*s);
      });
    };
    if (std::all_of(ranking.begin(), ranking.end(), has_failed)) return;
    std::vector<std::vector<double>> best;
    for (std::size_t k = 0; k < state.parents(); ++k)
      best.push_back(has_failed(ranking[k]) ? state.mean() : drawn(state, own, ranking[k].trial));
    state.update(best);
  }

  /// Reflects a coordinate at both ends into [0, 1].
  [[nodiscard]] static double reflected(double x)
  {
    const double folded = std::fmod(std::abs(x), 2.0);
    return folded > 1.0 ? 2.0 - folded : folded;
  }

  [[nodiscard]] static configuration located(const search_space& space,
                                             const std::vector<double>& x)
  {
    configuration found;
    std::size_t i = 0;
    for (const auto& d : space.dimensions()) {
      if (const auto* named = std::get_if<choice_of>(&d.range)) {
        const auto begin = x.begin() + static_cast<std::ptrdiff_t>(i);
        const auto end = begin + static_cast<std::ptrdiff_t>(named->names.size());
        found.set(d.name,
                  named->names[static_cast<std::size_t>(std::max_element(begin, end) - begin)]);
        i += named->names.size();
      } else {
        found.set(d.name, detail::value_at(d, reflected(x[i++])));
      }
    }
    return found;
  }
};

static_assert(SearchStrategy<cma_es>);

}  // namespace rolewise::search
