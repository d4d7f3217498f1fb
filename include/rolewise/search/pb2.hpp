// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A population whose next points are picked by a bandit.

#include <rolewise/core/draws.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/search/detail/bandit.hpp>
#include <rolewise/search/detail/exchange.hpp>
#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/search/detail/unit_cube.hpp>
#include <rolewise/search/search_strategy.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise {

/// PB2, population-based bandits: as in population-based training all trials train at once, and at
/// each look at the standings the worst `share` of them take over the weights of trials drawn from
/// the best `share`. The points at which they go on are picked, not perturbed: a Gaussian process
/// learns how much the score rises in an epoch, as a function of the point and of time,
///
///     k((x, t), (y, s)) = exp(-|x - y|^2 / (2 l^2)) * (1 - epsilon)^(|t - s| / 2)
///
/// with x in the unit cube (logarithmic intervals by their logarithm) and t counted in looks, and
/// the point with the highest mean + sqrt(beta) * deviation is taken, beta = 0.2 log(0.4 n) for n
/// rises, at least 0. Points of one look are picked one after the other; those picked before and
/// those with which others go on count as seen for the deviation.
///
/// A trial that fails takes over another's weights like the worst ones, whatever `share` says. What
/// it tried counts as the least rise that was seen: as a bad place, and not as one that nobody
/// knows, to which a bandit would return.
///
/// Learned from: the last `memory` rises between two scores of a trial, standardised, none counted
/// beyond two deviations. Where a trial took over another's weights the rise begins at the other's
/// score; whose, is found by choosing again as was chosen then. l (0.1, 0.2, 0.4, 0.8 of the
/// diagonal), epsilon (0, 0.05, 0.2, 0.5) and the variance of the noise (0.01, 0.1, 0.5) are
/// those under which the rises are likeliest. Before there is a rise, points are random.
///
/// Names of choices are not modelled: they are taken over, and drawn anew with probability
/// `resample`. A trial's first point is random.
///
/// **Cost** of a look: 48 factorisations of n x n, and n^2 for each place that is compared
/// (`candidates` + 8 a dimension) for each new point.
///
/// @par Determinism
/// A function of standings and seed. It supposes that all trials are judged at the same looks;
/// those that were judged less often than others are left alone.
/// @par Source
/// Parker-Holder, Nguyen, Roberts: Provably Efficient Online Hyperparameter Optimization with
/// Population-Based Bandits, NeurIPS 2020, arXiv 2002.02518, sections 3 and 4; constants of beta,
/// standardisation and clipping from the authors' code in ray-project/ray (tune/schedulers/pb2).
/// @par Departs
/// The settings come from a fixed list instead of a gradient ascent, and the highest bound from
/// random places improved along the axes instead of L-BFGS: so equal standings give equal bits.
/// The authors' code adds the score itself to x and takes the variance for the deviation; here it
/// is as in the paper.
struct pb2 {
  static constexpr std::string_view name = "pb2";
  static constexpr bool has_state = false;

  double share = 0.25;            ///< of the trials that give, and that take over; 0 .. 0.5
  double resample = 0.25;         ///< probability of a new name for a choice; 0 .. 1
  std::int64_t candidates = 256;  ///< random places that a pick compares; at least 1
  std::int64_t memory = 200;      ///< rises to learn from; at least 1

  /// @throws std::invalid_argument for members out of their range
  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<standing>& standings,
                                                 seed key) const
  {
    require_sound();
    const auto trials = detail::by_number(standings);
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
    return detail::with_others_kept(standings, made);
  }

 private:
  using trials_by_number = std::vector<const standing*>;

  void require_sound() const
  {
    if (!(share >= 0.0 && share <= 0.5 && resample >= 0.0 && resample <= 1.0))
      refuse(name, "want share in [0, 0.5] and resample in [0, 1], got ", share, " and ", resample);
    if (candidates < 1 || memory < 1)
      refuse(name, "want candidates and memory >= 1, got ", candidates, " and ", memory);
  }

  /// Whether a trial goes on, or has failed and may go on as a copy.
  [[nodiscard]] static bool is_rival(const standing& s) { return s.at && !s.finished; }

  [[nodiscard]] std::vector<detail::exchange> exchanges(
      const std::vector<detail::ranked_trial>& rivals, seed own, std::size_t step) const
  {
    return detail::exchanges(rivals, share, own.split(purpose{"exploit"}),
                             static_cast<std::int64_t>(step));
  }

  [[nodiscard]] static const standing& find(const trials_by_number& trials, std::int64_t number)
  {
    return **std::lower_bound(trials.begin(), trials.end(), number,
                              [](const standing* s, std::int64_t n) { return s->trial < n; });
  }

  /// Adds the copies, each at a point of its own.
  void explore(const search_space& space, const trials_by_number& trials,
               const std::vector<detail::exchange>& copies, std::size_t step, seed own,
               std::vector<decision>& made) const
  {
    const auto now = static_cast<double>(step);
    std::vector<detail::timed_place> pending;
    for (const auto* s : trials) {
      const auto is_copy = [&](const detail::exchange& e) { return e.to == s->trial; };
      if (detail::is_running(*s) && std::none_of(copies.begin(), copies.end(), is_copy))
        pending.push_back({modelled(space, *s->at), now});
    }
    const auto seen = rises(space, trials, own, step);
    std::optional<detail::bandit> picks;
    if (!seen.empty() && !seen[0].where.at.empty()) picks.emplace(seen, std::move(pending));
    for (const auto& e : copies) {
      const auto ours = own.split(purpose{"explore"}).split(static_cast<std::uint64_t>(e.to));
      const auto here = ours.split(static_cast<std::uint64_t>(step));
      std::vector<double> picked;
      if (picks)
        picked =
            picks->pick(now, seen[0].where.at.size(), candidates, here.split(purpose{"candidate"}));
      made.emplace_back(copy_trial{
          .from = e.from, .to = e.to, .at = next(space, *find(trials, e.from).at, picked, here)});
    }
  }

  /// The parent's names, the picked numbers; random numbers where nothing was picked.
  [[nodiscard]] point next(const search_space& space, const point& parent,
                           const std::vector<double>& picked, seed key) const
  {
    auto child = space.sample(key.split(purpose{"anew"}));
    std::size_t used = 0;
    for (const auto& d : space.dimensions()) {
      if (is_modelled(d)) {
        if (!picked.empty()) child.set(d.name, detail::value_at(d, picked[used++]));
      } else if (draws{key.split(purpose{d.name}), 0, 0}.uniform(0) >= resample) {
        if (const auto* inherited = parent.find(d.name)) child.set(d.name, *inherited);
      }
    }
    return child;
  }

  [[nodiscard]] static bool is_modelled(const dimension& d)
  {
    return !std::holds_alternative<choice_of>(d.range);
  }

  [[nodiscard]] static std::vector<double> modelled(const search_space& space, const point& p)
  {
    std::vector<double> coordinates;
    for (const auto& d : space.dimensions())
      if (is_modelled(d)) coordinates.push_back(detail::coordinate_of(d, p));
    return coordinates;
  }

  /// Rises to a failure are minus infinity. Where there is no other, nothing is known.
  static void count_failures_as_least(std::vector<detail::gain_seen>& seen)
  {
    std::optional<double> least;
    for (const auto& s : seen)
      if (std::isfinite(s.gain)) least = std::min(s.gain, least.value_or(s.gain));
    if (!least) seen.clear();
    for (auto& s : seen)
      if (!std::isfinite(s.gain)) s.gain = *least;
  }

  /// The last rises of the score in an epoch, oldest first.
  [[nodiscard]] std::vector<detail::gain_seen> rises(const search_space& space,
                                                     const trials_by_number& trials, seed own,
                                                     std::size_t step) const
  {
    std::vector<detail::gain_seen> seen;
    for (std::size_t i = 1; i < step; ++i) {
      std::vector<detail::ranked_trial> rivals;  // those that trained on at the look before
      for (const auto* s : trials)
        if (s->past.size() > i) rivals.push_back({s->trial, detail::score_of(s->past[i - 1])});
      const auto copies = exchanges(rivals, own, i);
      for (const auto& rival : rivals) {
        const auto& now = find(trials, rival.trial).past[i];
        const auto& before = find(trials, rival.trial).past[i - 1];
        const auto copy = std::find_if(copies.begin(), copies.end(),
                                       [&](const auto& e) { return e.to == rival.trial; });
        const double base =
            copy == copies.end() ? before.score : find(trials, copy->from).past[i - 1].score;
        const auto epochs = std::max<std::int64_t>(now.epoch - before.epoch, 1);
        seen.push_back({{modelled(space, now.at), static_cast<double>(i)},
                        (now.score - base) / static_cast<double>(epochs)});
      }
    }
    count_failures_as_least(seen);
    const auto most = std::min(seen.size(), static_cast<std::size_t>(memory));
    seen.erase(seen.begin(), seen.end() - static_cast<std::ptrdiff_t>(most));
    return seen;
  }
};

static_assert(SearchStrategy<pb2>);

}  // namespace rolewise
