// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/pb2.hpp>.

#include <rolewise/search/pb2.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>
#include <optional>

namespace rolewise::search {

ROLEWISE_INLINE std::vector<decision> pb2::operator()(const search_space& space,
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

ROLEWISE_INLINE void pb2::require_sound() const
{
  if (!(share >= 0.0 && share <= 0.5 && resample >= 0.0 && resample <= 1.0))
    throw_invalid_argument(name, "want share in [0, 0.5] and resample in [0, 1], got ", share,
                           " and ", resample);
  if (candidates < 1 || memory < 1)
    throw_invalid_argument(name, "want candidates and memory >= 1, got ", candidates, " and ",
                           memory);
}

ROLEWISE_INLINE std::vector<detail::exchange> pb2::exchanges(
    const std::vector<detail::ranked_trial>& rivals, seed own, std::size_t step) const
{
  return detail::exchanges(rivals, share, own.split(purpose{"exploit"}),
                           static_cast<std::int64_t>(step));
}

ROLEWISE_INLINE const trial_state& pb2::find(const trials_by_number& trials, std::int64_t number)
{
  return **std::lower_bound(trials.begin(), trials.end(), number,
                            [](const trial_state* s, std::int64_t n) { return s->trial < n; });
}

ROLEWISE_INLINE void pb2::explore(const search_space& space, const trials_by_number& trials,
                                  const std::vector<detail::exchange>& copies, std::size_t step,
                                  seed own, std::vector<decision>& made) const
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

ROLEWISE_INLINE configuration pb2::next(const search_space& space, const configuration& parent,
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

ROLEWISE_INLINE std::vector<double> pb2::modeled(const search_space& space, const configuration& p)
{
  std::vector<double> coordinates;
  for (const auto& d : space.dimensions())
    if (is_modeled(d)) coordinates.push_back(detail::coordinate_of(d, p));
  return coordinates;
}

ROLEWISE_INLINE void pb2::count_failures_as_least(std::vector<detail::gain_seen>& seen)
{
  std::optional<double> least;
  for (const auto& s : seen)
    if (std::isfinite(s.gain)) least = std::min(s.gain, least.value_or(s.gain));
  if (!least) seen.clear();
  for (auto& s : seen)
    if (!std::isfinite(s.gain)) s.gain = *least;
}

ROLEWISE_INLINE std::vector<detail::gain_seen> pb2::rises(const search_space& space,
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

}  // namespace rolewise::search
