// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Population-based bandits (PB2): population based training with configurations selected by a
/// bandit.

#include <rolewise/core/draws.hpp>
#include <rolewise/search/detail/bandit.hpp>
#include <rolewise/search/detail/decompositions.hpp>
#include <rolewise/search/detail/exchange.hpp>
#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/search/detail/unit_cube.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise::search {

/// PB2, population-based bandits: as in population based training all trials train at once, and
/// in each round the worst `share` of them take over the weights of trials drawn from the best
/// `share`. The configurations at which they continue are selected, not perturbed: a Gaussian
/// process models the gain in score per epoch, as a function of the configuration and of time,
///
///     k((x, t), (y, s)) = exp(-|x - y|^2 / (2 l^2)) * (1 - epsilon)^(|t - s| / 2)
///
/// with x in the unit cube (logarithmic intervals by their logarithm) and t counted in rounds.
/// The configuration with the highest mean + sqrt(beta) * deviation is selected, beta =
/// 0.2 log(0.4 n) for n gains, at least 0. Configurations of one round are selected one after the
/// other; for the deviation, those selected before and those at which other trials continue count
/// as observed.
///
/// A trial that fails takes over another's weights like the worst ones, whatever `share` is. Its
/// gain counts as the lowest one observed, so that its configuration is a bad one and not an
/// unexplored one, to which a bandit would return.
///
/// Training data: the last `memory` gains between two scores of a trial, standardized and clipped
/// to two deviations. For a trial that took over another's weights, the gain is measured from the
/// donor's score; the donor is found by repeating the random choice of that round. l (0.1, 0.2,
/// 0.4, 0.8 of the diagonal), epsilon (0, 0.05, 0.2, 0.5) and the noise variance (0.01, 0.1, 0.5)
/// are chosen by the marginal likelihood of the gains. Before there is a gain, configurations are
/// random.
///
/// Choices are not modeled: they are copied, and resampled with probability `resample`. A trial's
/// first configuration is random.
///
/// **Cost** of a round: 49 factorizations of n x n and one more for each new configuration, and n^2
/// for each configuration that is compared (`candidates` + 8 per dimension) for each new
/// configuration.
///
/// @par Determinism
/// A function of trial states and seed, for any number of threads, on one kind of processor with
/// one build of LibTorch, whose BLAS, LAPACK and exponentials differ in last bits elsewhere: a
/// recorded search resumes, and a process group agrees, where these are the same. All trials must
/// be evaluated in the same rounds; those that were evaluated less often than others are left
/// unchanged.
/// @par Source
/// Parker-Holder, Nguyen, Roberts: Provably Efficient Online Hyperparameter Optimization with
/// Population-Based Bandits, NeurIPS 2020, arXiv 2002.02518, sections 3 and 4; constants of beta,
/// standardization and clipping from the authors' code in ray-project/ray (tune/schedulers/pb2).
/// @par Departs
/// The settings come from a fixed list instead of a gradient ascent, and the highest bound from
/// random configurations improved along the axes instead of L-BFGS: so equal trial states give
/// equal bits. The authors' code adds the score itself to x and uses the variance in place of the
/// deviation; here both are as in the paper.
struct pb2 {
  static constexpr std::string_view name = "pb2";
  static constexpr bool has_state = false;

  double share = 0.25;            ///< of trials that are donors, and that are replaced; 0 .. 0.5
  double resample = 0.25;         ///< probability of resampling a choice; 0 .. 1
  std::int64_t candidates = 256;  ///< random ones compared per new configuration; at least 1
  std::int64_t memory = 200;      ///< gains to learn from; at least 1

  /// @throws std::invalid_argument for members out of their range
  /// @throws std::runtime_error if LibTorch is built without LAPACK
  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed key) const;

 private:
  using trials_by_number = std::vector<const trial_state*>;

  void require_sound() const;

  /// Whether a trial continues, or has failed and may continue as a copy.
  [[nodiscard]] static bool is_rival(const trial_state& s) { return s.at && !s.finished; }

  [[nodiscard]] std::vector<detail::exchange> exchanges(
      const std::vector<detail::ranked_trial>& rivals, seed own, std::size_t step) const;

  [[nodiscard]] static const trial_state& find(const trials_by_number& trials, std::int64_t number);

  /// Adds the copies to `made`, each at its own configuration.
  void explore(const search_space& space, const trials_by_number& trials,
               const std::vector<detail::exchange>& copies, std::size_t step, seed own,
               std::vector<decision>& made) const;

  /// A new configuration: the parent's choices, unless resampled, and the selected numbers; random
  /// numbers if none were selected.
  [[nodiscard]] configuration next(const search_space& space, const configuration& parent,
                                   const std::vector<double>& picked, seed key) const;

  [[nodiscard]] static bool is_modeled(const dimension& d)
  {
    return !std::holds_alternative<choice_of>(d.range);
  }

  [[nodiscard]] static std::vector<double> modeled(const search_space& space,
                                                   const configuration& p);

  /// Replaces gains that end in a failure (minus infinity) by the lowest other gain. If there is
  /// none, clears all.
  static void count_failures_as_least(std::vector<detail::gain_seen>& seen);

  /// The last gains in score per epoch, oldest first.
  [[nodiscard]] std::vector<detail::gain_seen> rises(const search_space& space,
                                                     const trials_by_number& trials, seed own,
                                                     std::size_t step) const;
};

static_assert(SearchStrategy<pb2>);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/pb2.hpp>
#endif
