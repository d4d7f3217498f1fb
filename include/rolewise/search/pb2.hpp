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
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
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
                                                 seed key) const
  {
    require_sound();
    detail::require_lapack(name);
    const auto trials = detail::by_number(trial_states);
    const auto own = key.split(purpose{name});
    std::vector<decision> made;
    std::size_t step = 0;
    for (const auto* s : trials) {
      if (is_rival(*s)) step = std::max(step, s->past.size());
      if (!s->at && !s->finished)
        made.emplace_back(
            start_trial{s->trial, space.sample(own.split(static_cast<std::uint64_t>(s->trial)))});
    }
    std::vector<detail::ranked_trial> rivals;
    for (const auto* s : trials)
      if (is_rival(*s) && step > 0 && s->past.size() == step)
        rivals.push_back({s->trial, detail::score_of(s->past.back())});
    const auto copies = exchanges(rivals, own, step);
    if (!copies.empty()) explore(space, trials, copies, step, own, made);
    return detail::with_others_kept(trial_states, made);
  }

 private:
  using trials_by_number = std::vector<const trial_state*>;

  void require_sound() const
  {
    if (!(share >= 0.0 && share <= 0.5 && resample >= 0.0 && resample <= 1.0))
      throw_invalid_argument(name, "want share in [0, 0.5] and resample in [0, 1], got ", share,
                             " and ", resample);
    if (candidates < 1 || memory < 1)
      throw_invalid_argument(name, "want candidates and memory >= 1, got ", candidates, " and ",
                             memory);
  }

  /// Whether a trial continues, or has failed and may continue as a copy.
  [[nodiscard]] static bool is_rival(const trial_state& s) { return s.at && !s.finished; }

  [[nodiscard]] std::vector<detail::exchange> exchanges(
      const std::vector<detail::ranked_trial>& rivals, seed own, std::size_t step) const
  {
    return detail::exchanges(rivals, share, own.split(purpose{"exploit"}),
                             static_cast<std::int64_t>(step));
  }

  [[nodiscard]] static const trial_state& find(const trials_by_number& trials, std::int64_t number)
  {
    return **std::lower_bound(trials.begin(), trials.end(), number,
                              [](const trial_state* s, std::int64_t n) { return s->trial < n; });
  }

  /// Adds the copies to `made`, each at its own configuration.
  void explore(const search_space& space, const trials_by_number& trials,
               const std::vector<detail::exchange>& copies, std::size_t step, seed own,
               std::vector<decision>& made) const
  {
    const auto current = static_cast<double>(step);
    std::vector<detail::timed_place> pending;
    for (const auto* s : trials) {
      const auto is_copy = [&](const detail::exchange& e) { return e.to == s->trial; };
      if (detail::is_running(*s) && std::none_of(copies.begin(), copies.end(), is_copy))
        pending.push_back({modeled(space, *s->at), current});
    }
    const auto seen = rises(space, trials, own, step);
    std::optional<detail::bandit> picks;
    if (!seen.empty() && !seen[0].where.at.empty()) picks.emplace(seen, std::move(pending));
    for (const auto& e : copies) {
      const auto ours = own.split(purpose{"explore"}).split(static_cast<std::uint64_t>(e.to));
      const auto here = ours.split(static_cast<std::uint64_t>(step));
      std::vector<double> picked;
      if (picks)
        picked = picks->pick(current, seen[0].where.at.size(), candidates,
                             here.split(purpose{"candidate"}));
      made.emplace_back(exploit_trial{
          .from = e.from, .to = e.to, .at = next(space, *find(trials, e.from).at, picked, here)});
    }
  }

  /// A new configuration: the parent's choices, unless resampled, and the selected numbers; random
  /// numbers if none were selected.
  [[nodiscard]] configuration next(const search_space& space, const configuration& parent,
                                   const std::vector<double>& picked, seed key) const
  {
    auto child = space.sample(key.split(purpose{"anew"}));
    std::size_t used = 0;
    for (const auto& d : space.dimensions()) {
      if (is_modeled(d)) {
        if (!picked.empty()) child.set(d.name, detail::value_at(d, picked[used++]));
      } else if (draws{key.split(purpose{d.name}), 0, 0}.uniform(0) >= resample) {
        if (const auto* inherited = parent.find(d.name)) child.set(d.name, *inherited);
      }
    }
    return child;
  }

  [[nodiscard]] static bool is_modeled(const dimension& d)
  {
    return !std::holds_alternative<choice_of>(d.range);
  }

  [[nodiscard]] static std::vector<double> modeled(const search_space& space,
                                                   const configuration& p)
  {
    std::vector<double> coordinates;
    for (const auto& d : space.dimensions())
      if (is_modeled(d)) coordinates.push_back(detail::coordinate_of(d, p));
    return coordinates;
  }

  /// Replaces gains that end in a failure (minus infinity) by the lowest other gain. If there is
  /// none, clears all.
  static void count_failures_as_least(std::vector<detail::gain_seen>& seen)
  {
    std::optional<double> least;
    for (const auto& s : seen)
      if (std::isfinite(s.gain)) least = std::min(s.gain, least.value_or(s.gain));
    if (!least) seen.clear();
    for (auto& s : seen)
      if (!std::isfinite(s.gain)) s.gain = *least;
  }

  /// The last gains in score per epoch, oldest first.
  [[nodiscard]] std::vector<detail::gain_seen> rises(const search_space& space,
                                                     const trials_by_number& trials, seed own,
                                                     std::size_t step) const
  {
    std::vector<detail::gain_seen> seen;
    for (std::size_t i = 1; i < step; ++i) {
      std::vector<detail::ranked_trial> rivals;  // those that continued after their i-th score
      for (const auto* s : trials)
        if (s->past.size() > i) rivals.push_back({s->trial, detail::score_of(s->past[i - 1])});
      const auto copies = exchanges(rivals, own, i);
      for (const auto& rival : rivals) {
        const auto& current = find(trials, rival.trial).past[i];
        const auto& before = find(trials, rival.trial).past[i - 1];
        const auto copy = std::find_if(copies.begin(), copies.end(),
                                       [&](const auto& e) { return e.to == rival.trial; });
        const double base =
            copy == copies.end() ? before.score : find(trials, copy->from).past[i - 1].score;
        const auto epochs = std::max<std::int64_t>(current.epoch - before.epoch, 1);
        seen.push_back({{modeled(space, current.at), static_cast<double>(i)},
                        (current.score - base) / static_cast<double>(epochs)});
      }
    }
    count_failures_as_least(seen);
    const auto most = std::min(seen.size(), static_cast<std::size_t>(memory));
    seen.erase(seen.begin(), seen.end() - static_cast<std::ptrdiff_t>(most));
    return seen;
  }
};

static_assert(SearchStrategy<pb2>);

}  // namespace rolewise::search
