// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The tree-structured Parzen estimator (TPE): configurations by the density ratio of good to bad
/// trials.

#include <rolewise/core/draws.hpp>
#include <rolewise/search/detail/parzen_estimator.hpp>
#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/search/detail/unit_cube.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace rolewise::search {

/// TPE: at most `max_concurrent_trials` trials train, the others wait for a slot in the order of
/// their numbers. Trials train until their epochs are used up.
///
/// The configuration of a new trial: the evaluated trials are split by score into the good (the
/// best `good_share` of them, rounded up, at most 25) and the bad. A Parzen estimator models the
/// density of each part. Of `candidates` configurations drawn from that of the good, the one with
/// the highest log(good) - log(bad) is selected (the first of equals). Kernels are products over
/// all dimensions, so interactions of values are modeled. Good configurations are weighted by their
/// advantage over the best bad one, bad ones equally. While fewer than `start_up` trials are
/// evaluated, configurations are random.
///
/// Scores are compared at one number of epochs: the highest at or after which at least `start_up`
/// trials have been evaluated. So trials in training count as soon as there are enough of them,
/// and if some were stopped early the others make the model. A failed trial counts as evaluated
/// at any number of epochs, with a score below all others: it is bad, and is weighted like the
/// bad ones.
///
/// The same configuration may be proposed twice; a space of few configurations is better served by
/// `grid`.
///
/// **Cost** of a configuration: candidates x evaluated trials x dimensions kernels; 2 ms for 24,
/// 100 and 4.
///
/// @par Determinism
/// The configuration is a function of seed, number and the scores so far; trials that start in one
/// round differ by their draws.
/// @par Source
/// Bergstra, Bardenet, Bengio, Kegl: Algorithms for Hyper-Parameter Optimization, NIPS 2011,
/// section 4; in the multivariate form with the kernels, widths, weights and prior of Watanabe:
/// Tree-Structured Parzen Estimator: Understanding Its Algorithm Components and Their Roles for
/// Better Empirical Performance, 2023, arXiv 2304.11127, section 3 (split `linear`, weights by
/// expected improvement, widths of hyperopt, exponent 2 of the least width).
struct tree_parzen {
  static constexpr std::string_view name = "tree-parzen";
  static constexpr bool has_state = false;

  std::int64_t max_concurrent_trials = 1;  ///< trials that train at a time; at least 1
  std::int64_t start_up = 10;              ///< evaluated trials before there is a model; at least 2
  double good_share = 0.15;                ///< of the evaluated trials; above 0, below 1
  std::int64_t least_good = 1;             ///< lower bound on the number of good trials; at least 1
  std::int64_t candidates = 24;            ///< at least 1
  double random_share = 0.0;  ///< share of random configurations among new ones; 0 .. 1
  double least_width = 0.03;  ///< lower bound on kernel widths in the unit cube; above 0
  double other_names = 0.2;   ///< probability of all other names in a kernel; above 0, below 1
  double widening = 1.0;      ///< factor on kernel widths for drawing candidates; above 0

  /// The configuration at which a trial starts.
  /// @throws std::invalid_argument for members out of their range
  [[nodiscard]] configuration propose(const search_space& space,
                                      const std::vector<trial_state>& trial_states, seed key,
                                      std::int64_t trial) const
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

  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed key) const
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

 private:
  struct observation {
    std::vector<double> at;
    double score = 0.0;
  };

  void require_sound() const
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

  /// The evaluated trials, best first.
  [[nodiscard]] std::vector<observation> scored(const search_space& space,
                                                const std::vector<trial_state>& trial_states) const
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

  [[nodiscard]] std::pair<detail::parzen_estimator, detail::parzen_estimator> densities(
      const search_space& space, std::vector<observation> seen) const
  {
    constexpr double most_good = 25.0;
    const auto share =
        std::min(std::ceil(good_share * static_cast<double>(seen.size())), most_good);
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
};

static_assert(SearchStrategy<tree_parzen>);

}  // namespace rolewise::search
