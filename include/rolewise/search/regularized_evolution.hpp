// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Regularized (aging) evolution: the oldest members leave the population.

#include <rolewise/core/draws.hpp>
#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/search/detail/unit_cube.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

namespace rolewise::search {

/// Regularized (aging) evolution. Trials start in the order of their numbers: the first
/// `population` at random configurations, each later one as a child of the best of `sample` trials
/// drawn with replacement from the population. The population is the `population` youngest of the
/// trials that have finished training and have a score; so a good trial, too, leaves it by age,
/// and only what scores well again when retrained persists. A child differs from its parent in
/// one dimension.
///
/// A failed trial enters the population and ages like one with a score, but ranks below all of
/// those; if a sample contains no other, the child starts at a random configuration.
///
/// At most `max_concurrent_trials` trials train; no child starts before `population` trials are
/// done, unless no trial is training. Of equals the lower number ranks first.
///
/// Only the configuration is inherited: each trial trains from its own initialization, for all its
/// epochs. The decision records the parent (`start_trial::parent`).
///
/// @par Determinism
/// A child is a function of seed, its number, and the configurations and scores of the population.
/// @par Source
/// Real, Aggarwal, Huang, Le: Regularized Evolution for Image Classifier Architecture Search,
/// AAAI 2019, arXiv 1802.01548, algorithm 1.
/// @par Departs
/// The paper's space has choices only. Here a mutation draws another value uniformly: a name or
/// an integer that the parent does not have, any real number. No child is a plain copy (the
/// paper's identity mutation), unless the space has one configuration. Age is measured by trial
/// number.
struct regularized_evolution {
  static constexpr std::string_view name = "regularized-evolution";
  static constexpr bool has_state = false;

  std::int64_t population = 16;  ///< P; at least 1
  std::int64_t sample = 4;       ///< S; at least 1
  std::int64_t max_concurrent_trials =
      0;  ///< trials that train at a time; 0: the size of the population

  /// @throws std::invalid_argument for members out of their range
  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed key) const
  {
    if (population < 1 || sample < 1 || max_concurrent_trials < 0)
      throw_invalid_argument(name,
                             "want population and sample >= 1, max_concurrent_trials >= 0, got ",
                             population, ", ", sample, " and ", max_concurrent_trials);
    const auto trials = detail::by_number(trial_states);
    const auto alive = youngest(trials);
    auto running = std::count_if(trial_states.begin(), trial_states.end(), detail::is_running);
    const auto places = max_concurrent_trials == 0 ? population : max_concurrent_trials;

    std::vector<decision> made;
    std::int64_t birth = 0;
    for (const auto* s : trials) {
      const bool is_founder = birth++ < population;
      if (s->at || s->finished || running >= places) continue;
      const bool may_be_born = std::ssize(alive) == population || running == 0;
      const auto own =
          key.split(purpose{"regularised-evolution"}).split(static_cast<std::uint64_t>(s->trial));
      if (is_founder || (alive.empty() && running == 0)) {
        made.emplace_back(start_trial{s->trial, space.sample(own)});
      } else if (may_be_born && !alive.empty()) {
        if (const auto* parent = best_of_sample(alive, own); parent != nullptr)
          made.emplace_back(start_trial{s->trial, mutated(space, *parent->at, own), parent->trial});
        else
          made.emplace_back(start_trial{s->trial, space.sample(own)});
      } else {
        continue;
      }
      ++running;
    }
    return detail::with_others_kept(trial_states, made);
  }

  /// A mutation: differs from the parent in one dimension that has more than one value.
  [[nodiscard]] static configuration mutated(const search_space& space, const configuration& parent,
                                             seed key)
  {
    std::vector<const dimension*> mutable_ones;
    for (const auto& d : space.dimensions())
      if (has_several_values(d)) mutable_ones.push_back(&d);
    auto child = parent;
    if (mutable_ones.empty()) return child;
    const draws from{key.split(purpose{"mutation"}), 0, 0};
    const auto& d = *mutable_ones[static_cast<std::size_t>(
        from.below(0, static_cast<std::int64_t>(mutable_ones.size())))];
    const auto cells = detail::axis_of(d).cells;
    if (cells == 0) return child.set(d.name, detail::value_at(d, from.uniform(1)));
    const auto own = detail::cell_at(detail::coordinate_of(d, parent), cells);
    const auto other = from.below(1, cells - 1);
    const auto cell = other < own ? other : other + 1;
    return child.set(d.name, detail::value_at(d, detail::middle_of_cell(cell, cells)));
  }

 private:
  [[nodiscard]] static bool has_several_values(const dimension& d)
  {
    if (const auto* real = std::get_if<real_interval>(&d.range)) return real->low < real->high;
    return detail::axis_of(d).cells > 1;
  }

  /// The population, by number.
  [[nodiscard]] std::vector<const trial_state*> youngest(
      const std::vector<const trial_state*>& trials) const
  {
    std::vector<const trial_state*> alive;
    for (const auto* s : trials)
      if (s->at && (detail::has_failed(*s) || (s->finished && s->score))) alive.push_back(s);
    const auto most = std::min(std::ssize(alive), static_cast<std::ptrdiff_t>(population));
    alive.erase(alive.begin(), alive.end() - most);
    return alive;
  }

  /// Null if all trials drawn have failed.
  [[nodiscard]] const trial_state* best_of_sample(const std::vector<const trial_state*>& alive,
                                                  seed key) const
  {
    const draws from{key.split(purpose{"sample"}), 0, 0};
    const trial_state* best = nullptr;
    for (std::int64_t i = 0; i < sample; ++i) {
      const auto* drawn = alive[static_cast<std::size_t>(
          from.below(static_cast<std::uint64_t>(i), std::ssize(alive)))];
      if (detail::has_failed(*drawn)) continue;
      if (best == nullptr || *drawn->score > *best->score ||
          (*drawn->score == *best->score && drawn->trial < best->trial))
        best = drawn;
    }
    return best;
  }
};

static_assert(SearchStrategy<regularized_evolution>);

}  // namespace rolewise::search
