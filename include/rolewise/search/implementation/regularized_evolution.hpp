// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/regularized_evolution.hpp>.

#include <rolewise/search/regularized_evolution.hpp>

#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/search/detail/unit_cube.hpp>
#include <rolewise/support/error.hpp>

#include <variant>

namespace rolewise::search {

ROLEWISE_INLINE std::vector<decision> regularized_evolution::operator()(
    const search_space& space, const std::vector<trial_state>& trial_states, seed key) const
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

ROLEWISE_INLINE configuration regularized_evolution::mutated(const search_space& space,
                                                             const configuration& parent, seed key)
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

ROLEWISE_INLINE bool regularized_evolution::has_several_values(const dimension& d)
{
  if (const auto* real = std::get_if<real_interval>(&d.range)) return real->low < real->high;
  return detail::axis_of(d).cells > 1;
}

ROLEWISE_INLINE std::vector<const trial_state*> regularized_evolution::youngest(
    const std::vector<const trial_state*>& trials) const
{
  std::vector<const trial_state*> alive;
  for (const auto* s : trials)
    if (s->at && (detail::has_failed(*s) || (s->finished && s->score))) alive.push_back(s);
  const auto most = std::min(std::ssize(alive), static_cast<std::ptrdiff_t>(population));
  alive.erase(alive.begin(), alive.end() - most);
  return alive;
}

ROLEWISE_INLINE const trial_state* regularized_evolution::best_of_sample(
    const std::vector<const trial_state*>& alive, seed key) const
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

}  // namespace rolewise::search
