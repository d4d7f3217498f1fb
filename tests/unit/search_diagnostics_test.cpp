// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/played_search.hpp"

#include <rolewise/core/draws.hpp>
#include <rolewise/measurement/against_random.hpp>
#include <rolewise/measurement/paired_difference.hpp>
#include <rolewise/measurement/rank_correlation.hpp>
#include <rolewise/measurement/search_diagnostics.hpp>
#include <rolewise/search/population_based.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/space.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace rolewise;
using rolewise::tests::played;

namespace {

using kind = search::search_event::kind;
using numbers = std::vector<double>;

const search::search_space space{
    {"rate", search::real_interval{0.01, 1.0, search::spacing::logarithmic}},
    {"bits", search::integer_interval{1, 4}},
    {"agent", search::choice_of{{"none", "policy"}}}};

search::configuration at_values(double rate, std::int64_t bits, const char* agent = "none")
{
  return search::configuration{}
      .set("rate", rate)
      .set("bits", bits)
      .set("agent", std::string{agent});
}

/// Three trials, four rounds of 5 epochs; trial 1 copies trial 2 after the first round, trial 0
/// copies it after the third.
search::search_history small()
{
  search::search_history history{"by-hand", space, 3, 20, 5, seed{1}, {}};
  auto& events = history.events;
  events.push_back({.trial = 0, .at = at_values(0.1, 1)});
  events.push_back({.trial = 1, .at = at_values(0.2, 2, "policy")});
  events.push_back({.trial = 2, .at = at_values(0.4, 2)});
  const auto score_all = [&](std::int64_t round, double first, double second, double third) {
    for (const auto& [trial, score] : {std::pair{0, first}, {1, second}, {2, third}})
      events.push_back({.what = kind::scored,
                        .round = round,
                        .trial = trial,
                        .epoch = 5 * (round + 1),
                        .score = score});
  };
  const auto copy = [&](std::int64_t round, std::int64_t to, double rate) {
    events.push_back({.what = kind::copied,
                      .round = round,
                      .trial = to,
                      .epoch = 5 * round,
                      .from = 2,
                      .from_epoch = 5 * round,
                      .at = at_values(rate, 2)});
  };
  score_all(0, 0.2, 0.1, 0.3);
  copy(1, 1, 0.5);
  score_all(1, 0.2, 0.3, 0.4);
  score_all(2, 0.3, 0.4, 0.5);
  copy(3, 0, 0.4);
  score_all(3, 0.6, 0.5, 0.55);
  return history;
}

/// A random search whose trials end with these scores.
search::search_history random_with(const numbers& scores, std::int64_t epochs = 20)
{
  search::search_history history{
      "random-search", space, static_cast<std::int64_t>(scores.size()), epochs, epochs,
      seed{1},         {}};
  for (std::size_t i = 0; i < scores.size(); ++i)
    history.events.push_back({.trial = static_cast<std::int64_t>(i), .at = at_values(0.1, 1)});
  for (std::size_t i = 0; i < scores.size(); ++i)
    history.events.push_back({.what = kind::scored,
                              .trial = static_cast<std::int64_t>(i),
                              .epoch = epochs,
                              .score = scores[i]});
  return history;
}

std::string refusal(const std::function<void()>& f)
{
  try {
    f();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("rank correlations are those of SciPy, ties and all")
{
  // scipy.stats 1.17.1: spearmanr, kendalltau, rankdata.
  const numbers x{0.1, 0.4, 0.4, 0.7, 0.2, 0.9, 0.9, 0.3}, y{1, 3, 2, 2, 1, 5, 4, 4};
  CHECK(measurement::ranks_of(x) == numbers{1, 4.5, 4.5, 6, 2, 7.5, 7.5, 3});
  CHECK(measurement::spearman(x, y).value() ==
        doctest::Approx(0.7362101738323104).epsilon(1e-14).scale(0));
  CHECK(measurement::kendall_tau_b(x, y).value() ==
        doctest::Approx(0.5883484054145521).epsilon(1e-14).scale(0));
  const numbers a{56, 75, 45, 71, 62, 64, 58, 80, 76, 61},
      b{66, 70, 40, 60, 65, 56, 59, 77, 67, 63};
  CHECK(measurement::spearman(a, b).value() ==
        doctest::Approx(0.6727272727272726).epsilon(1e-14).scale(0));
  CHECK(measurement::kendall_tau_b(a, b).value() ==
        doctest::Approx(0.5111111111111111).epsilon(1e-14).scale(0));
  CHECK(measurement::spearman(a, a).value() == doctest::Approx(1.0));
  numbers turned;
  for (const double value : a) turned.push_back(-std::exp(value));
  CHECK(measurement::spearman(a, turned).value() == doctest::Approx(-1.0));
  CHECK(measurement::kendall_tau_b(a, turned).value() == doctest::Approx(-1.0));
  CHECK(measurement::kendall_tau_b(b, a) == measurement::kendall_tau_b(a, b));
  CHECK_FALSE(measurement::spearman({1, 1, 1}, {1, 2, 3}));
  CHECK_FALSE(measurement::kendall_tau_b({1, 2, 3}, {2, 2, 2}));
  CHECK(refusal([] { (void)measurement::spearman({1}, {1}); }) ==
        "rolewise: spearman: got 1 and 1 values, want as many of each, at least 2");
  CHECK(refusal([] { (void)measurement::kendall_tau_b({1, 2}, {1, 2, 3}); }) ==
        "rolewise: kendall_tau_b: got 2 and 3 values, want as many of each, at least 2");
  CHECK(refusal([] { (void)measurement::spearman({1, std::nan("")}, {1, 2}); }) ==
        "rolewise: spearman: got NaN, want values that can be ordered");
}

TEST_CASE("a paired difference has the interval of the t test")
{
  // scipy.stats 1.17.1: t.ppf(0.975, freedom), ttest_rel.
  CHECK(measurement::student_t_95(1) == doctest::Approx(12.706204736).epsilon(1e-5).scale(0));
  CHECK(measurement::student_t_95(5) == doctest::Approx(2.570581836).epsilon(2e-5).scale(0));
  CHECK(measurement::student_t_95(20) == doctest::Approx(2.085963447).epsilon(2e-5).scale(0));
  CHECK(measurement::student_t_95(21) == doctest::Approx(2.079613845).epsilon(2e-5).scale(0));
  CHECK(measurement::student_t_95(30) == doctest::Approx(2.042272456).epsilon(2e-5).scale(0));
  CHECK(measurement::student_t_95(1000) == doctest::Approx(1.962339081).epsilon(1e-6).scale(0));
  for (std::size_t freedom = 1; freedom < 200; ++freedom)
    CHECK(measurement::student_t_95(freedom + 1) < measurement::student_t_95(freedom));
  const auto found =
      measurement::difference_of({0.81, 0.79, 0.85, 0.80, 0.83}, {0.80, 0.76, 0.83, 0.81, 0.79});
  CHECK(found.mean == doctest::Approx(0.018));
  CHECK(found.low == doctest::Approx(-0.005883883881).epsilon(1e-4).scale(0));
  CHECK(found.high == doctest::Approx(0.041883883881).epsilon(1e-4).scale(0));
  CHECK(found.pairs == 5);
  CHECK(refusal([] { (void)measurement::difference_of({1}, {1}); }) ==
        "rolewise: difference_of: got 1 and 1 values, want as many of each, at least 2");
  CHECK_THROWS_AS((void)measurement::student_t_95(0), std::invalid_argument);
}

TEST_CASE("a paired difference says how many pairs would tell it apart")
{
  // The power of the t test reaches 0.8, by scipy.stats 1.17.1 (nct), at n = 9.94, 33.37, 198.15
  // and 786.81 pairs for effects of 1, 0.5, 0.2 and 0.1.
  const auto of_effect = [](double effect, std::size_t pairs = 10) {
    const double reach =
        measurement::student_t_95(pairs - 1) / std::sqrt(static_cast<double>(pairs));
    return measurement::paired_difference{effect, effect - reach, effect + reach, pairs};
  };
  CHECK(measurement::deviation_of(of_effect(0.5)) == doctest::Approx(1.0));
  CHECK(measurement::deviation_of(of_effect(0.5, 40)) == doctest::Approx(1.0));
  CHECK_THROWS_WITH_AS((void)measurement::deviation_of({}),
                       "rolewise: deviation_of: got 0 pairs, want at least 2",
                       std::invalid_argument);
  CHECK(measurement::pairs_to_tell_apart(of_effect(1.0)) == 10.0);
  CHECK(measurement::pairs_to_tell_apart(of_effect(-0.5)) == 34.0);
  CHECK(measurement::pairs_to_tell_apart(of_effect(0.2)) == 199.0);
  CHECK(measurement::pairs_to_tell_apart(of_effect(0.1)) == 787.0);
  CHECK(measurement::pairs_to_tell_apart(of_effect(0.0)) ==
        std::numeric_limits<double>::infinity());
  CHECK(measurement::pairs_to_tell_apart(of_effect(100.0)) == 2.0);  // z^2 / 2 = 1.92 alone
  CHECK(measurement::pairs_to_tell_apart({0.0, 0.0, 0.0, 3}) ==
        std::numeric_limits<double>::infinity());
  CHECK_FALSE(of_effect(0.5).is_told_apart());
  CHECK(of_effect(0.8).is_told_apart());
  CHECK(of_effect(-0.8).is_told_apart());
}

TEST_CASE("founders are counted round by round, until one is left")
{
  const auto history = small();
  CHECK((measurement::founders_by_round(history) ==
         std::vector<measurement::founders_in_round>{
             {0, 3, 3, 1}, {1, 3, 2, 2}, {2, 3, 2, 2}, {3, 3, 1, 3}}));
  CHECK(measurement::collapse_round(history) == 3);
  CHECK_FALSE(measurement::collapse_round(random_with({0.1, 0.2})));
  CHECK_FALSE(measurement::collapse_round(random_with({0.1})));

  // Configurations have ancestors too: trial 2 starts at a configuration made from trial 1's.
  auto evolved = random_with({0.1, 0.2});
  evolved.trials = 3;
  evolved.events.push_back({.round = 1, .trial = 2, .from = 1, .at = at_values(0.3, 3)});
  for (const std::int64_t trial : {1, 2})
    evolved.events.push_back(
        {.what = kind::scored, .round = 1, .trial = trial, .epoch = 20, .score = 0.3});
  CHECK((measurement::founders_by_round(evolved) ==
         std::vector<measurement::founders_in_round>{{0, 2, 2, 1}, {1, 2, 1, 2}}));

  const auto long_search = played(search::population_based{}, space,
                                  [](double skill, const search::configuration& p, std::int64_t,
                                     std::int64_t) { return skill + p.real("rate"); },
                                  {.trials = 16, .epochs = 150, .seed = seed{5}});
  const auto rounds = measurement::founders_by_round(long_search);
  REQUIRE(rounds.size() == 50);
  CHECK((rounds.front() == measurement::founders_in_round{0, 16, 16, 1}));
  CHECK(rounds[1].founders == 12);
  for (std::size_t i = 1; i < rounds.size(); ++i)
    CHECK(rounds[i].founders <= rounds[i - 1].founders);
  REQUIRE(measurement::collapse_round(long_search).has_value());
  CHECK(
      rounds[static_cast<std::size_t>(*measurement::collapse_round(long_search))].largest_family ==
      16);
  CHECK(lineage_of(long_search).founders_left() == 1);
}

TEST_CASE("values are listed with the epochs that they were trained for")
{
  const auto explored = measurement::explored_values(small());
  REQUIRE(explored.size() == 3);
  using tried = measurement::explored_dimension::tried;
  CHECK(explored[0].name == "rate");
  CHECK((explored[0].values == std::vector<tried>{{0.1, 15}, {0.2, 5}, {0.4, 25}, {0.5, 15}}));
  CHECK(explored[0].coverage == doctest::Approx(std::log(5.0) / std::log(100.0)));
  CHECK((explored[1].values == std::vector<tried>{{std::int64_t{1}, 15}, {std::int64_t{2}, 45}}));
  CHECK(explored[1].coverage == 0.5);
  CHECK((explored[2].values ==
         std::vector<tried>{{std::string{"none"}, 55}, {std::string{"policy"}, 5}}));
  CHECK(explored[2].coverage == 1.0);
  CHECK(measurement::cost_of(small()) == 60);

  auto outside = small();
  outside.events[1].at = search::configuration{};
  CHECK(refusal([&] { (void)measurement::explored_values(outside); }) ==
        "rolewise: explored_values: trial 1 was at a configuration outside of the space");
}

TEST_CASE("proxy and last score are of trials that were no copies in between")
{
  const auto early = measurement::proxy_and_last(small(), 5);
  CHECK(early.trials == std::vector<std::int64_t>{2});
  CHECK(early.proxy == numbers{0.3});
  CHECK(early.last == numbers{0.55});
  const auto later = measurement::proxy_and_last(small(), 10);
  CHECK(later.trials == std::vector<std::int64_t>{1, 2});
  CHECK(later.proxy == numbers{0.3, 0.4});
  CHECK(later.last == numbers{0.5, 0.55});
  CHECK(measurement::proxy_and_last(small(), 7).trials.empty());

  const auto searched = played(
      search::random_search{}, space,
      [](double skill, const search::configuration& p, std::int64_t trial, std::int64_t round) {
        return skill + p.real("rate") + 0.5 * draws{seed{2}, round, trial}.uniform(0);
      },
      {.trials = 40, .epochs = 30});
  const auto scores = measurement::proxy_and_last(searched, 6);
  CHECK(scores.trials.size() == 40);
  const auto agreement = measurement::spearman(scores.proxy, scores.last).value();
  CHECK(agreement > 0.4);
  CHECK(
      agreement <
      measurement::spearman(measurement::proxy_and_last(searched, 24).proxy, scores.last).value());
}

TEST_CASE("a search is compared with the best of as many random trials as it costs")
{
  // The best of 3 of 6 is the k-th least with probability C(k - 1, 2) / C(6, 3): 1, 3, 6, 10 of 20.
  const auto found =
      measurement::compared_to_random(small(), random_with({0.2, 0.6, 0.1, 0.4, 0.5, 0.3}));
  CHECK(found.best == 0.6);
  CHECK(found.random_trials == 3);
  CHECK(found.random_mean == doctest::Approx(0.525));
  CHECK(found.random_low == 0.3);
  CHECK(found.random_high == 0.6);
  CHECK(found.as_good == doctest::Approx(0.5));
  CHECK(measurement::compared_to_random(small(), random_with({0.2, 0.1, 0.5})) ==
        measurement::against_random{0.6, 3, 0.5, 0.5, 0.5, 0.0});
  CHECK(measurement::compared_to_random(small(), random_with({0.7, 0.8, 0.9, 0.1})).as_good == 1.0);

  // Compared with a Monte Carlo estimate.
  numbers scores;
  for (std::int64_t i = 0; i < 64; ++i) scores.push_back(draws{seed{8}, 0, i}.normal(0));
  auto searched = small();
  for (auto& event : searched.events)
    if (event.score && event.epoch == 20 && event.trial == 0) event.score = 1.5;
  const auto of_many = measurement::compared_to_random(searched, random_with(scores));
  double mean = 0.0, as_good = 0.0, outside = 0.0;
  constexpr int times = 20000;
  for (int time = 0; time < times; ++time) {
    const auto order = permutation(seed{9}, time, 64);
    double best = -9.0;
    for (std::size_t i = 0; i < 3; ++i)
      best = std::max(best, scores[static_cast<std::size_t>(order[i])]);
    mean += best / times;
    as_good += best >= 1.5 ? 1.0 / times : 0.0;
    outside += best < of_many.random_low || best > of_many.random_high ? 1.0 / times : 0.0;
  }
  CHECK(of_many.random_mean == doctest::Approx(mean).epsilon(0.03).scale(0));
  CHECK(of_many.as_good == doctest::Approx(as_good).epsilon(0.1).scale(0));
  CHECK(outside <= 0.055);

  CHECK(
      refusal([] { (void)measurement::compared_to_random(small(), random_with({0.1, 0.2})); }) ==
      "rolewise: against_random: the random search has 2 trials with all epochs, the cost buys 3");
  CHECK(refusal([] {
          (void)measurement::compared_to_random(small(), random_with({0.1, 0.2, 0.3}, 10));
        }) == "rolewise: against_random: the searches are of different numbers of epochs");
  auto other = random_with({0.1, 0.2, 0.3});
  other.space = search::search_space{};
  CHECK(refusal([&] { (void)measurement::compared_to_random(small(), other); }) ==
        "rolewise: against_random: the searches are of different spaces");
  auto stopped = small();
  stopped.events.resize(6);
  CHECK(refusal([&] { (void)measurement::compared_to_random(stopped, random_with({0.1})); }) ==
        "rolewise: against_random: the search cost 15 epochs, less than a trial of 20");
}

TEST_CASE("a random trial that failed counts like the worst, and is no founder of its round")
{
  auto random = random_with({0.1, 0.2, 0.3, 0.4});
  const auto searched = random_with({0.35, 0.0});
  const auto without = measurement::compared_to_random(searched, random);
  random.trials = 5;
  random.events.insert(random.events.begin() + 4, {.trial = 4, .at = at_values(0.1, 1)});
  random.events.push_back({.what = kind::failed, .trial = 4, .epoch = 20, .reason = "too bad"});
  const auto found = measurement::compared_to_random(searched, random);
  CHECK(found == measurement::compared_to_random(searched, random_with({0.1, 0.2, 0.3, 0.4, 0.1})));
  CHECK_FALSE(found == without);
  CHECK(measurement::scores_in_the_end(random) == numbers{0.1, 0.2, 0.3, 0.4});
  CHECK(measurement::cost_of(random) == 100);
  CHECK((measurement::founders_by_round(random) ==
         std::vector<measurement::founders_in_round>{{0, 4, 4, 1}}));

  // After a failure, earlier scores are not a proxy.
  search::search_history history{"any", space, 1, 20, 10, seed{1}, {}};
  history.events = {{.trial = 0, .at = at_values(0.1, 1)},
                    {.what = kind::scored, .trial = 0, .epoch = 10, .score = 0.5},
                    {.what = kind::failed, .round = 1, .trial = 0, .epoch = 20, .reason = "x"}};
  CHECK(measurement::proxy_and_last(history, 10).trials.empty());
}

TEST_CASE("improvement over random is paired by seed, at equal cost")
{
  auto better = small();
  for (auto& event : better.events)
    if (event.score) event.score = *event.score + 0.1;
  const auto found = measurement::improvement_over_random(
      {small(), better, small()}, {random_with({0.5, 0.4, 0.3, 0.9}), random_with({0.5, 0.4, 0.6}),
                                   random_with({0.1, 0.2, 0.5})});
  CHECK(found == measurement::difference_of({0.6, 0.7, 0.6}, {0.5, 0.6, 0.5}));
  CHECK(found.mean == doctest::Approx(0.1));
  CHECK(
      refusal([] { (void)measurement::improvement_over_random({small()}, {}); }) ==
      "rolewise: improvement_over_random: got 1 searches and 0 random ones, want as many of each");
}
