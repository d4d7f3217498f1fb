// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Whether a search was worth more than random search at the same cost.

#include <rolewise/core/error.hpp>
#include <rolewise/search/paired_difference.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_lineage.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace rolewise {

/// The epochs that trials were trained for, all together: what a search costs. A round in which a
/// trial failed counts whole.
/// @throws std::invalid_argument as `lineage_of(history)`
[[nodiscard]] inline std::int64_t cost_of(const search_history& history)
{
  std::int64_t epochs = 0;
  for (const auto& stretch : lineage_of(history).stretches) epochs += stretch.end - stretch.begin;
  return epochs;
}

/// The scores of the trials that were trained for all epochs of the search, by number of the trial.
[[nodiscard]] inline std::vector<double> scores_in_the_end(const search_history& history)
{
  std::map<std::int64_t, double> scores;
  for (const auto& event : history.events)
    if (event.what == search_event::kind::scored && event.epoch == history.epochs && event.score)
      scores[event.trial] = *event.score;
  std::vector<double> in_order;
  for (const auto& [trial, score] : scores) in_order.push_back(score);
  return in_order;
}

namespace detail {

/// How many whole trials the cost of a search buys.
[[nodiscard]] inline std::int64_t trials_at_cost_of(const search_history& searched)
{
  const auto trials = searched.epochs < 1 ? 0 : cost_of(searched) / searched.epochs;
  if (trials < 1)
    refuse("against_random", "the search cost ", cost_of(searched),
           " epochs, less than a trial of ", searched.epochs);
  return trials;
}

/// `scores_in_the_end`, and in the place of each trial that has failed the lowest of them: leaving
/// it out would make a search look better that fails often.
[[nodiscard]] inline std::vector<double> scores_with_failures(const search_history& history)
{
  std::map<std::int64_t, double> scores;
  for (const auto& event : history.events)
    if (event.what == search_event::kind::scored && event.epoch == history.epochs && event.score)
      scores[event.trial] = *event.score;
  if (scores.empty()) return {};
  const auto by_score = [](const auto& a, const auto& b) { return a.second < b.second; };
  const double lowest = std::min_element(scores.begin(), scores.end(), by_score)->second;
  for (const auto& failed : failed_trials(history)) scores[failed.trial] = lowest;
  std::vector<double> in_order;
  for (const auto& [trial, score] : scores) in_order.push_back(score);
  return in_order;
}

/// The final scores of a random search that is to be compared.
[[nodiscard]] inline std::vector<double> comparable_scores(const search_history& searched,
                                                           const search_history& random)
{
  if (searched.space != random.space || searched.epochs != random.epochs)
    refuse("against_random", "the searches are of ",
           searched.space != random.space ? "different spaces" : "different numbers of epochs");
  const auto scores = scores_with_failures(random);
  if (const auto wanted = trials_at_cost_of(searched);
      static_cast<std::int64_t>(scores.size()) < wanted)
    refuse("against_random", "the random search has ", scores.size(),
           " trials with all epochs, the cost buys ", wanted);
  return scores;
}

[[nodiscard]] inline double best_of(const search_history& searched)
{
  const auto scores = scores_in_the_end(searched);
  if (scores.empty()) refuse("against_random", "no trial of the search was trained to the end");
  return *std::max_element(scores.begin(), scores.end());
}

}  // namespace detail

/// The best of a search beside the best of random searches that cost the same.
struct against_random {
  double best = 0.0;               ///< final score of the search
  std::int64_t random_trials = 0;  ///< that its cost buys
  double random_mean = 0.0;        ///< of the best of so many random trials
  double random_low = 0.0;         ///< 95 % of such bests lie from here
  double random_high = 0.0;        ///< to here
  double as_good = 0.0;            ///< how likely random trials are as good or better

  friend bool operator==(const against_random&, const against_random&) = default;
};

/// Compares the final best of a search with the best of as many random trials as cost the same,
/// over all choices of these from a longer random search. That is exact: with n scores, the best of
/// m lies at or below the k-th least with probability C(k, m) / C(n, m). A random trial that failed
/// counts like the worst of the others.
/// @param random of the same space and epochs; the more trials it has, the more is known. With just
///        as many as the cost buys its best stands for itself, without an interval.
/// @throws std::invalid_argument for other spaces, other epochs or too few random trials
[[nodiscard]] inline against_random compared_to_random(const search_history& searched,
                                                       const search_history& random)
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

/// How much higher the final best of searches is than that of random searches at equal cost, over
/// seeds: pair i is `searched[i]` and as many of the first trials of `random[i]` as cost the same.
/// @throws std::invalid_argument for fewer than 2 pairs, other spaces, other epochs or too few
///         random trials
[[nodiscard]] inline paired_difference improvement_over_random(
    const std::vector<search_history>& searched, const std::vector<search_history>& random)
{
  if (searched.size() != random.size())
    refuse("improvement_over_random", "got ", searched.size(), " searches and ", random.size(),
           " random ones, want as many of each");
  std::vector<double> best, best_of_random;
  for (std::size_t i = 0; i < searched.size(); ++i) {
    const auto scores = detail::comparable_scores(searched[i], random[i]);
    best.push_back(detail::best_of(searched[i]));
    best_of_random.push_back(
        *std::max_element(scores.begin(), scores.begin() + detail::trials_at_cost_of(searched[i])));
  }
  return difference_of(best, best_of_random);
}

}  // namespace rolewise
