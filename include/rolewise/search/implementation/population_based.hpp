// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/population_based.hpp>.

#include <rolewise/search/population_based.hpp>

namespace rolewise::search {

ROLEWISE_INLINE std::vector<decision> population_based::operator()(
    const search_space& space, const std::vector<trial_state>& trial_states, seed key) const
{
  require_dimensions(name, space);
  detail::require_quantile(name, quantile);
  const auto ranked = ranking(trial_states);
  const auto count = detail::size_of_quantile(quantile, ranked.size());
  const auto donors = detail::donors_of(ranked, count);
  std::vector<bool> is_lower(trial_states.size());
  for (auto i = ranked.size() - count; i < ranked.size(); ++i) is_lower[ranked[i].place] = true;

  std::vector<decision> decisions;
  for (std::size_t i = 0; i < trial_states.size(); ++i) {
    const auto& s = trial_states[i];
    const auto of_trial = key.split(purpose{name}).split(static_cast<std::uint64_t>(s.trial));
    if (s.finished) continue;
    if (!s.at) {
      decisions.emplace_back(
          start_trial{s.trial, detail::first_configuration(name, space, first, of_trial)});
    } else if (donors > 0 && (is_lower[i] || detail::has_failed(s))) {
      const auto of_look = of_trial.split(s.past.size() + 1);
      const auto drawn = draws{of_look, s.epoch, 0}.below(0, static_cast<std::int64_t>(donors));
      const auto& donor = trial_states[ranked[static_cast<std::size_t>(drawn)].place];
      const auto near = of_look.split(static_cast<std::uint64_t>(s.epoch));
      decisions.emplace_back(exploit_trial{
          .from = donor.trial, .to = s.trial, .at = explore(space, *donor.at, near, exploring)});
    } else if (detail::has_failed(s)) {
      decisions.emplace_back(stop_trial{s.trial});
    } else {
      decisions.emplace_back(keep_trial{s.trial});
    }
  }
  return decisions;
}

ROLEWISE_INLINE std::vector<detail::contender> population_based::ranking(
    const std::vector<trial_state>& trial_states)
{
  std::vector<detail::contender> all;
  for (std::size_t i = 0; i < trial_states.size(); ++i)
    if (const auto& s = trial_states[i]; !s.finished && s.at && (s.score || s.failed))
      all.push_back({i, s.trial, detail::score_of(s).value_or(failed_score)});
  detail::rank(all);
  return all;
}

}  // namespace rolewise::search
