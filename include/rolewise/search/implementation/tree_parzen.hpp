// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/tree_parzen.hpp>.

#include <rolewise/search/tree_parzen.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>
#include <functional>

namespace rolewise::search {

ROLEWISE_INLINE configuration tree_parzen::propose(const search_space& space,
                                                   const std::vector<trial_state>& trial_states,
                                                   seed key, std::int64_t trial) const
{
  require_sound();
  const auto own = key.split(purpose{name}).split(static_cast<std::uint64_t>(trial));
  auto seen = scored(space, trial_states);
  if (std::ssize(seen) < start_up ||
      draws{own.split(purpose{"random or not"}), 0, 0}.uniform(0) < random_share)
    return space.sample(own);

  const auto [good, bad] = densities(space, std::move(seen));
  std::vector<double> best;
  double most = 0.0;
  const auto drawn = own.split(purpose{"candidate"});
  for (std::int64_t i = 0; i < candidates; ++i) {
    auto at = good.draw(draws{drawn, 0, i});
    const double gain = good.log_density(at) - bad.log_density(at);
    if (i > 0 && !(gain > most)) continue;
    best = std::move(at);
    most = gain;
  }
  return detail::from_unit_cube(space, best);
}

ROLEWISE_INLINE std::vector<decision> tree_parzen::operator()(
    const search_space& space, const std::vector<trial_state>& trial_states, seed key) const
{
  require_sound();
  auto running = std::count_if(trial_states.begin(), trial_states.end(), detail::is_running);
  std::vector<decision> made;
  for (const auto* s : detail::by_number(trial_states)) {
    if (s->at || s->finished || running >= max_concurrent_trials) continue;
    made.emplace_back(start_trial{s->trial, propose(space, trial_states, key, s->trial)});
    ++running;
  }
  return detail::with_others_kept(trial_states, made);
}

ROLEWISE_INLINE void tree_parzen::require_sound() const
{
  if (max_concurrent_trials < 1 || start_up < 2 || least_good < 1 || candidates < 1)
    throw_invalid_argument(
        name, "want max_concurrent_trials, least_good and candidates >= 1, start_up >= 2, got ",
        max_concurrent_trials, ", ", least_good, ", ", candidates, " and ", start_up);
  if (!(good_share > 0.0 && good_share < 1.0 && random_share >= 0.0 && random_share <= 1.0))
    throw_invalid_argument(name, "want good_share in (0, 1) and random_share in [0, 1], got ",
                           good_share, " and ", random_share);
  if (!(least_width > 0.0 && widening > 0.0 && other_names > 0.0 && other_names < 1.0))
    throw_invalid_argument(name, "want least_width and widening > 0, other_names in (0, 1), got ",
                           least_width, ", ", widening, " and ", other_names);
}

ROLEWISE_INLINE std::vector<tree_parzen::observation> tree_parzen::scored(
    const search_space& space, const std::vector<trial_state>& trial_states) const
{
  std::vector<std::int64_t> reached;
  std::int64_t failed = 0;
  for (const auto& s : trial_states)
    if (s.at && detail::has_failed(s))
      ++failed;
    else if (!s.past.empty())
      reached.push_back(s.past.back().epoch);
  const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(start_up - failed, 1));
  if (reached.size() < wanted) return {};
  std::sort(reached.begin(), reached.end(), std::greater<>{});
  const auto epochs = reached[wanted - 1];

  std::vector<observation> seen;
  for (const auto* s : detail::by_number(trial_states)) {
    const bool is_bad = s->at && detail::has_failed(*s);
    const auto score = is_bad ? failed_score : detail::score_after(*s, epochs);
    if (!score) continue;
    const auto& at = s->past.empty() ? *s->at : s->past.front().at;
    seen.push_back({detail::in_unit_cube(space, at), *score});
  }
  std::stable_sort(seen.begin(), seen.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
  return seen;
}

ROLEWISE_INLINE std::pair<detail::parzen_estimator, detail::parzen_estimator>
tree_parzen::densities(const search_space& space, std::vector<observation> seen) const
{
  constexpr double most_good = 25.0;
  const auto share = std::min(std::ceil(good_share * static_cast<double>(seen.size())), most_good);
  const auto wanted =
      std::max(static_cast<std::size_t>(share), static_cast<std::size_t>(least_good));
  const auto healthy = static_cast<std::size_t>(std::count_if(
      seen.begin(), seen.end(), [](const auto& one) { return one.score != failed_score; }));
  const auto count = std::min({wanted, seen.size() - 1, healthy});
  // If the best of the bad has failed there is no score to compare with.
  const double base = count < healthy ? seen[count].score : seen[healthy - 1].score;
  std::vector<std::vector<double>> good, bad;
  std::vector<double> gains, alike;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (i < count) {
      good.push_back(std::move(seen[i].at));
      gains.push_back(std::max(seen[i].score - base, 1e-12));
    } else {
      bad.push_back(std::move(seen[i].at));
      alike.push_back(1.0);
    }
  }
  const detail::parzen_estimator::options o{least_width, other_names, widening};
  const auto axes = detail::axes_of(space);
  return {detail::parzen_estimator{axes, std::move(good), std::move(gains), o},
          detail::parzen_estimator{axes, std::move(bad), std::move(alike), o}};
}

}  // namespace rolewise::search
