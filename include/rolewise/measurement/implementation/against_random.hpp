// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/measurement/against_random.hpp>.

#include <rolewise/measurement/against_random.hpp>

#include <rolewise/support/error.hpp>

#include <map>

namespace rolewise::measurement {

ROLEWISE_INLINE std::int64_t cost_of(const search::search_history& history)
{
  std::int64_t epochs = 0;
  for (const auto& stretch : lineage_of(history).stretches) epochs += stretch.end - stretch.begin;
  return epochs;
}

ROLEWISE_INLINE std::vector<double> scores_in_the_end(const search::search_history& history)
{
  std::map<std::int64_t, double> scores;
  for (const auto& event : history.events)
    if (event.what == search::search_event::kind::scored && event.epoch == history.epochs &&
        event.score)
      scores[event.trial] = *event.score;
  std::vector<double> in_order;
  for (const auto& [trial, score] : scores) in_order.push_back(score);
  return in_order;
}

}  // namespace rolewise::measurement

namespace rolewise::measurement::detail {

ROLEWISE_INLINE std::int64_t trials_at_cost_of(const search::search_history& searched)
{
  const auto trials = searched.epochs < 1 ? 0 : cost_of(searched) / searched.epochs;
  if (trials < 1)
    throw_invalid_argument("against_random", "the search cost ", cost_of(searched),
                           " epochs, less than a trial of ", searched.epochs);
  return trials;
}

ROLEWISE_INLINE std::vector<double> scores_with_failures(const search::search_history& history)
{
  std::map<std::int64_t, double> scores;
  for (const auto& event : history.events)
    if (event.what == search::search_event::kind::scored && event.epoch == history.epochs &&
        event.score)
      scores[event.trial] = *event.score;
  if (scores.empty()) return {};
  const auto by_score = [](const auto& a, const auto& b) { return a.second < b.second; };
  const double lowest = std::min_element(scores.begin(), scores.end(), by_score)->second;
  for (const auto& failed : search::failed_trials(history)) scores[failed.trial] = lowest;
  std::vector<double> in_order;
  for (const auto& [trial, score] : scores) in_order.push_back(score);
  return in_order;
}

ROLEWISE_INLINE std::vector<double> comparable_scores(const search::search_history& searched,
                                                      const search::search_history& random)
{
  if (searched.space != random.space || searched.epochs != random.epochs)
    throw_invalid_argument(
        "against_random", "the searches are of ",
        searched.space != random.space ? "different spaces" : "different numbers of epochs");
  const auto scores = scores_with_failures(random);
  if (const auto wanted = trials_at_cost_of(searched);
      static_cast<std::int64_t>(scores.size()) < wanted)
    throw_invalid_argument("against_random", "the random search has ", scores.size(),
                           " trials with all epochs, the cost buys ", wanted);
  return scores;
}

ROLEWISE_INLINE double best_of(const search::search_history& searched)
{
  const auto scores = scores_in_the_end(searched);
  if (scores.empty())
    throw_invalid_argument("against_random", "no trial of the search was trained to the end");
  return *std::max_element(scores.begin(), scores.end());
}

}  // namespace rolewise::measurement::detail

namespace rolewise::measurement {

ROLEWISE_INLINE against_random compared_to_random(const search::search_history& searched,
                                                  const search::search_history& random)
{
  auto scores = detail::comparable_scores(searched, random);
  std::sort(scores.begin(), scores.end());
  against_random found{.best = detail::best_of(searched),
                       .random_trials = detail::trials_at_cost_of(searched)};
  const auto m = static_cast<std::size_t>(found.random_trials), n = scores.size();
  // C(k, m) / C(n, m), with k falling from n: (1 - m / n) (1 - m / (n - 1)) ... (1 - m / (k + 1)).
  std::vector<double> at_or_below(n + 1);
  at_or_below[n] = 1.0;
  for (auto k = n; k > 0; --k)
    at_or_below[k - 1] =
        k <= m ? 0.0 : at_or_below[k] * (1.0 - static_cast<double>(m) / static_cast<double>(k));
  const auto quantile = [&](double share) {
    std::size_t k = m;
    while (k < n && at_or_below[k] < share) ++k;
    return scores[k - 1];
  };
  for (std::size_t k = 1; k <= n; ++k)
    found.random_mean += scores[k - 1] * (at_or_below[k] - at_or_below[k - 1]);
  found.random_low = quantile(0.025);
  found.random_high = quantile(0.975);
  const auto below = std::lower_bound(scores.begin(), scores.end(), found.best) - scores.begin();
  found.as_good = 1.0 - at_or_below[static_cast<std::size_t>(below)];
  return found;
}

ROLEWISE_INLINE paired_difference
improvement_over_random(const std::vector<search::search_history>& searched,
                        const std::vector<search::search_history>& random)
{
  if (searched.size() != random.size())
    throw_invalid_argument("improvement_over_random", "got ", searched.size(), " searches and ",
                           random.size(), " random ones, want as many of each");
  std::vector<double> best, best_of_random;
  for (std::size_t i = 0; i < searched.size(); ++i) {
    const auto scores = detail::comparable_scores(searched[i], random[i]);
    best.push_back(detail::best_of(searched[i]));
    best_of_random.push_back(
        *std::max_element(scores.begin(), scores.begin() + detail::trials_at_cost_of(searched[i])));
  }
  return difference_of(best, best_of_random);
}

}  // namespace rolewise::measurement
