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
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
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
  [[nodiscard]] std::int64_t generation(const search_space& space) const;

  /// @throws std::invalid_argument for members out of their range
  /// @throws std::runtime_error if LibTorch is built without LAPACK
  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed key) const;

 private:
  [[nodiscard]] static std::size_t coordinates(const search_space& space);

  [[nodiscard]] static bool are_through(const std::vector<const trial_state*>& members);

  [[nodiscard]] static std::vector<double> drawn(const detail::covariance_adaptation& state,
                                                 seed own, std::int64_t trial)
  {
    return state.draw(draws{own, 0, trial});
  }

  static void learn(detail::covariance_adaptation& state,
                    const std::vector<const trial_state*>& members, seed own);

  /// Reflects a coordinate at both ends into [0, 1].
  [[nodiscard]] static double reflected(double x)
  {
    const double folded = std::fmod(std::abs(x), 2.0);
    return folded > 1.0 ? 2.0 - folded : folded;
  }

  [[nodiscard]] static configuration located(const search_space& space,
                                             const std::vector<double>& x);
};

static_assert(SearchStrategy<cma_es>);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/cma_es.hpp>
#endif
