// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/population_based_asynchronous.hpp>.

#include <rolewise/search/population_based_asynchronous.hpp>

namespace rolewise::search {

ROLEWISE_INLINE double population_based_asynchronous::report_time(seed key, std::int64_t trial,
                                                                  std::size_t score)
{
  const auto of_trial = key.split(purpose{name}).split(static_cast<std::uint64_t>(trial));
  return draws{of_trial.split(purpose{"report"}), static_cast<std::int64_t>(score), 0}.uniform(0);
}

ROLEWISE_INLINE std::vector<decision> population_based_asynchronous::operator()(
    const search_space& space, const std::vector<trial_state>& trial_states, seed key) const
{
  require_dimensions(name, space);
  detail::require_quantile(name, quantile);
  std::vector<decision> decisions;
  for (std::size_t i = 0; i < trial_states.size(); ++i) {
    const auto& s = trial_states[i];
    if (s.finished) continue;
    if (!s.at) {
      const auto of_trial = key.split(purpose{name}).split(static_cast<std::uint64_t>(s.trial));
      decisions.emplace_back(
          start_trial{s.trial, detail::first_configuration(name, space, first, of_trial)});
    } else if (detail::has_failed(s)) {
      decisions.push_back(instead_of_failed(s, space, trial_states, key));
    } else if (auto copied = copy_for(i, space, trial_states, key)) {
      decisions.emplace_back(*std::move(copied));
    } else {
      decisions.emplace_back(keep_trial{s.trial});
    }
  }
  return decisions;
}

ROLEWISE_INLINE bool population_based_asynchronous::quantiles::has_upper(std::size_t place) const
{
  for (std::size_t i = 0; i < donors; ++i)
    if (ranked[i].place == place) return true;
  return false;
}

ROLEWISE_INLINE bool population_based_asynchronous::quantiles::has_lower(std::size_t place) const
{
  for (auto i = ranked.size() - count; i < ranked.size(); ++i)
    if (ranked[i].place == place) return true;
  return false;
}

ROLEWISE_INLINE bool population_based_asynchronous::knows(const trial_state& one,
                                                          const trial_state& other,
                                                          std::size_t rounds_ago, seed key) const
{
  if (one.trial == other.trial || (rounds_ago == 0 && detail::has_failed(other))) return true;
  return report_time(key, other.trial, other.past.size() - rounds_ago) <=
         report_time(key, one.trial, one.past.size() - rounds_ago) + delay.value();
}

ROLEWISE_INLINE population_based_asynchronous::quantiles population_based_asynchronous::seen_by(
    const trial_state& one, std::size_t rounds_ago, const std::vector<trial_state>& trial_states,
    seed key) const
{
  quantiles seen;
  for (std::size_t j = 0; j < trial_states.size(); ++j) {
    const auto& other = trial_states[j];
    if (!is_ranked(other) || other.past.size() <= rounds_ago) continue;
    const auto unknown = rounds_ago + (knows(one, other, rounds_ago, key) ? 0 : 1);
    if (other.past.size() > unknown)
      seen.ranked.push_back(
          {j, other.trial,
           detail::score_of(other.past[other.past.size() - 1 - unknown]).value_or(failed_score)});
  }
  return ordered(std::move(seen));
}

ROLEWISE_INLINE population_based_asynchronous::quantiles population_based_asynchronous::ordered(
    quantiles seen) const
{
  detail::rank(seen.ranked);
  seen.count = detail::size_of_quantile(quantile, seen.ranked.size());
  seen.donors = std::min(seen.count, detail::donors_of(seen.ranked, seen.count));
  return seen;
}

ROLEWISE_INLINE decision population_based_asynchronous::instead_of_failed(
    const trial_state& s, const search_space& space, const std::vector<trial_state>& trial_states,
    seed key) const
{
  quantiles all;
  for (std::size_t j = 0; j < trial_states.size(); ++j)
    if (is_ranked(trial_states[j]))
      all.ranked.push_back(
          {j, trial_states[j].trial,
           detail::has_failed(trial_states[j]) ? failed_score : trial_states[j].past.back().score});
  all = ordered(std::move(all));
  const auto donors = detail::donors_of(all.ranked, all.count);
  if (donors == 0) return stop_trial{s.trial};
  const auto of_look = look_of(s, key);
  const auto drawn = draws{of_look, 0, 0}.below(0, static_cast<std::int64_t>(donors));
  const auto& donor = trial_states[all.ranked[static_cast<std::size_t>(drawn)].place];
  return exploit_trial{.from = donor.trial,
                       .to = s.trial,
                       .at = explore(space, *donor.at, of_look.split(purpose{"near"}), exploring)};
}

ROLEWISE_INLINE seed population_based_asynchronous::look_of(const trial_state& s, seed key)
{
  return key.split(purpose{name})
      .split(static_cast<std::uint64_t>(s.trial))
      .split(s.past.size() + 1);
}

ROLEWISE_INLINE std::optional<exploit_trial> population_based_asynchronous::copy_for(
    std::size_t place, const search_space& space, const std::vector<trial_state>& trial_states,
    seed key) const
{
  const auto& s = trial_states[place];
  if (!is_ranked(s)) return std::nullopt;
  const auto seen = seen_by(s, 0, trial_states, key);
  if (!seen.has_lower(place) || seen.donors == 0) return std::nullopt;

  const auto of_look = look_of(s, key);
  const auto drawn = draws{of_look, 0, 0}.below(0, static_cast<std::int64_t>(seen.donors));
  const auto from = seen.ranked[static_cast<std::size_t>(drawn)].place;
  const auto& donor = trial_states[from];
  const std::size_t rounds_ago = knows(s, donor, 0, key) ? 0 : 1;
  if (!seen_by(donor, rounds_ago, trial_states, key).has_upper(from)) return std::nullopt;
  return exploit_trial{.from = donor.trial,
                       .to = s.trial,
                       .at = explore(space, *donor.at, of_look.split(purpose{"near"}), exploring),
                       .evaluations_ago = static_cast<std::int64_t>(rounds_ago)};
}

}  // namespace rolewise::search
