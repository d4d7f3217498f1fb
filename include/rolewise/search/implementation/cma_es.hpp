// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/cma_es.hpp>.

#include <rolewise/search/cma_es.hpp>

#include <rolewise/support/error.hpp>

#include <variant>

namespace rolewise::search {

ROLEWISE_INLINE std::int64_t cma_es::generation(const search_space& space) const
{
  if ((offspring != 0 && offspring < 2) || !(step > 0.0))
    throw_invalid_argument(name, "want offspring 0 or >= 2 and step > 0, got ", offspring, " and ",
                           step);
  if (offspring != 0) return offspring;
  const auto count = static_cast<double>(std::max<std::size_t>(coordinates(space), 1));
  return 4 + static_cast<std::int64_t>(3.0 * std::log(count));
}

ROLEWISE_INLINE std::vector<decision> cma_es::operator()(
    const search_space& space, const std::vector<trial_state>& trial_states, seed key) const
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

ROLEWISE_INLINE std::size_t cma_es::coordinates(const search_space& space)
{
  std::size_t count = 0;
  for (const auto& d : space.dimensions()) {
    const auto* named = std::get_if<choice_of>(&d.range);
    count += named == nullptr ? 1 : named->names.size();
  }
  return count;
}

ROLEWISE_INLINE bool cma_es::are_through(const std::vector<const trial_state*>& members)
{
  return std::all_of(members.begin(), members.end(),
                     [](const auto* s) { return s->finished || detail::has_failed(*s); });
}

ROLEWISE_INLINE void cma_es::learn(detail::covariance_adaptation& state,
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

ROLEWISE_INLINE configuration cma_es::located(const search_space& space,
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

}  // namespace rolewise::search
