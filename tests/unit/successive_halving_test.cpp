// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/search_strategy.hpp"
#include "support/doctest.hpp"
#include "support/simulated_search.hpp"

#include <rolewise/search/asynchronous_successive_halving.hpp>
#include <rolewise/search/hyperband.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/successive_halving.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <variant>
#include <vector>

using namespace rolewise;
using rolewise::tests::simulate;

namespace {

const search::search_space mixed{
    {"lr", search::real_interval{1e-4, 1e-1, search::spacing::logarithmic}},
    {"bits", search::integer_interval{1, 8}},
    {"agent", search::choice_of{{"none", "policy", "random"}}}};
const search::search_space line{{"x", search::real_interval{}}};

/// The score of a trial, the same in every epoch.
double worth(const search::configuration& p, std::int64_t, double) { return p.real("x"); }

/// A trial with one score per epoch; its configuration is its number / 100.
search::trial_state scored(std::int64_t trial, std::vector<double> scores)
{
  search::trial_state s{.trial = trial, .epoch = static_cast<std::int64_t>(scores.size())};
  s.at = search::configuration{}.set("x", static_cast<double>(trial) / 100.0);
  std::int64_t epoch = 0;
  for (const double score : scores) s.past.push_back({++epoch, score, *s.at});
  if (!scores.empty()) s.score = scores.back();
  return s;
}

/// The trials that are stopped, and those that are started.
std::vector<std::int64_t> stopped(const std::vector<search::decision>& decisions)
{
  std::vector<std::int64_t> found;
  for (const auto& d : decisions)
    if (std::holds_alternative<search::stop_trial>(d)) found.push_back(trial_of(d));
  return found;
}
std::vector<std::int64_t> started(const std::vector<search::decision>& decisions)
{
  std::vector<std::int64_t> found;
  for (const auto& d : decisions)
    if (std::holds_alternative<search::start_trial>(d)) found.push_back(trial_of(d));
  return found;
}

using numbers = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("successive halving, hyperband and ASHA keep the promises of SearchStrategy")
{
  for (const auto& space : {mixed, search::search_space{}}) {
    laws::hold_for(search::successive_halving{}, space);
    laws::hold_for(search::successive_halving{.eta = 2, .first_rung = 2}, space, 9, 8);
    laws::hold_for(search::hyperband{.eta = 2, .most = 4}, space, 15, 14);
    laws::hold_for(search::hyperband{.eta = 3, .most = 1}, space);
    laws::hold_for(search::asynchronous_successive_halving{}, space, 12, 12);
    laws::hold_for(search::asynchronous_successive_halving{.eta = 2, .max_concurrent_trials = 1},
                   space, 5, 12);
  }
}

TEST_CASE("successive halving leaves 27, 9, 3 and 1 trial, the best ones")
{
  const auto run = simulate(search::successive_halving{.eta = 3, .first_rung = 1}, line, worth,
                            {.trials = 27, .epochs = 27});
  CHECK(run.reached(1) == 27);
  CHECK(run.reached(2) == 9);
  CHECK(run.reached(3) == 9);
  CHECK(run.reached(4) == 3);
  CHECK(run.reached(9) == 3);
  CHECK(run.reached(10) == 1);
  CHECK(run.reached(27) == 1);
  CHECK(run.epochs == 27 + 9 * 2 + 3 * 6 + 18);

  std::vector<double> all;
  for (const auto& s : run.trial_states) all.push_back(s.at->real("x"));
  std::sort(all.rbegin(), all.rend());
  for (const auto& s : run.trial_states) {
    CHECK((s.epoch > 1) == (s.at->real("x") >= all[8]));
    CHECK((s.epoch > 3) == (s.at->real("x") >= all[2]));
    CHECK((s.epoch > 9) == (s.at->real("x") >= all[0]));
  }
}

TEST_CASE("successive halving rounds down, waits for the last to arrive and prefers low numbers")
{
  const search::successive_halving half{.eta = 2, .first_rung = 1};
  // Of five trials two continue; ties go to the lower number.
  std::vector<search::trial_state> five{scored(0, {0.1}), scored(1, {0.7}), scored(2, {0.5}),
                                        scored(3, {0.5}), scored(4, {0.2})};
  CHECK(stopped(half(line, five, seed{})) == numbers{0, 3, 4});

  // One trial has no score yet: none is stopped, though others are past the rung.
  five[4] = scored(4, {});
  five[0] = scored(0, {0.1, 0.9});
  CHECK(stopped(half(line, five, seed{})).empty());
  // It has finished without a score: it ranks last, and later scores of others do not count.
  five[4].finished = true;
  CHECK(stopped(half(line, five, seed{})) == numbers{0, 3});

  // The score at a rung is the first at or after it.
  search::trial_state late = scored(0, {});
  late.past = {{3, 0.9, *late.at}, {4, 0.0, *late.at}};
  late.epoch = 4;
  CHECK(stopped(half(line, {late, scored(1, {0.8, 0.8})}, seed{})) == numbers{1});

  // At the second rung, only the two trials left after the first are compared.
  const std::vector<search::trial_state> four{scored(0, {0.9, 0.1}), scored(1, {0.8, 0.2}),
                                              scored(2, {0.1}), scored(3, {0.2})};
  CHECK(stopped(half(line, four, seed{})) == numbers{0, 2, 3});
  // No trial is stopped twice.
  auto after = four;
  for (const auto i : {0, 2, 3}) after[static_cast<std::size_t>(i)].finished = true;
  CHECK((half(line, after, seed{}) == std::vector<search::decision>{search::keep_trial{1}}));

  // One trial has no rungs.
  CHECK((half(line, {scored(0, {0.5, 0.5})}, seed{}) ==
         std::vector<search::decision>{search::keep_trial{0}}));
}

TEST_CASE("successive halving starts where random search does and refuses what makes no sense")
{
  std::vector<search::trial_state> fresh;
  for (std::int64_t t = 0; t < 6; ++t) fresh.push_back({.trial = t});
  CHECK((search::successive_halving{}(mixed, fresh, seed{3}) ==
         search::random_search{}(mixed, fresh, seed{3})));

  CHECK_THROWS_WITH_AS(
      (void)(search::successive_halving{.eta = 1}(line, fresh, seed{})),
      "rolewise: successive-halving: want eta >= 2 and first_rung >= 1, got 1 and 1",
      std::invalid_argument);
  CHECK_THROWS_AS((void)(search::successive_halving{.first_rung = 0}(line, fresh, seed{})),
                  std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)(search::hyperband{.eta = 3, .most = 0}.brackets()),
                       "rolewise: hyperband: want eta >= 2 and most in 1 .. 10^9, got 3 and 0",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)(search::asynchronous_successive_halving{.max_concurrent_trials = 0}(
                           line, fresh, seed{})),
                       "rolewise: asynchronous-successive-halving: want eta >= 2, first_rung and "
                       "max_concurrent_trials >= 1, got "
                       "4, 1 and 0",
                       std::invalid_argument);
}

TEST_CASE("the brackets of hyperband are those of the paper's table")
{
  // R = 81, eta = 3: n_i and r_i of s = 4 .. 0.
  const auto all = search::hyperband{.eta = 3, .most = 81}.brackets();
  REQUIRE(all.size() == 5);
  CHECK((all[0] == search::hyperband::bracket{81, {1, 3, 9, 27, 81}}));
  CHECK((all[1] == search::hyperband::bracket{34, {3, 9, 27, 81}}));
  CHECK((all[2] == search::hyperband::bracket{15, {9, 27, 81}}));
  CHECK((all[3] == search::hyperband::bracket{8, {27, 81}}));
  CHECK((all[4] == search::hyperband::bracket{5, {81}}));
  CHECK(search::hyperband{.eta = 3, .most = 81}.trials() == 143);

  // R = 6 is no power of eta: s_max = 2, n = 3 * 4 / 3, ceil(3 * 2 / 2), 3; r = 6 / 4, 6 / 2, 6.
  const auto six = search::hyperband{.eta = 2, .most = 6}.brackets();
  REQUIRE(six.size() == 3);
  CHECK((six[0] == search::hyperband::bracket{4, {1, 3, 6}}));
  CHECK((six[1] == search::hyperband::bracket{3, {3, 6}}));
  CHECK((six[2] == search::hyperband::bracket{3, {6}}));
}

TEST_CASE("hyperband runs one bracket after the other and stops at its most epochs")
{
  const search::hyperband strategy{.eta = 3, .most = 9};  // 9 with 1 3 9; 5 with 3 9; 3 with 9
  REQUIRE(strategy.trials() == 17);
  const auto run = simulate(strategy, line, worth, {.trials = 20, .epochs = 12});
  CHECK(started(run.decisions[0]) == numbers{0, 1, 2, 3, 4, 5, 6, 7, 8});
  numbers begins;
  for (std::size_t look = 0; look < run.decisions.size(); ++look)
    if (!started(run.decisions[look]).empty()) begins.push_back(static_cast<std::int64_t>(look));
  // A bracket takes nine epochs; after the third one the first is repeated, with the three trials
  // left.
  CHECK(begins == numbers{0, 9, 18, 27});
  CHECK(started(run.decisions[9]) == numbers{9, 10, 11, 12, 13});
  CHECK(started(run.decisions[18]) == numbers{14, 15, 16});
  CHECK(started(run.decisions[27]) == numbers{17, 18, 19});
  CHECK(run.reached(9) == 1 + 1 + 3 + 1);
  CHECK(run.reached(10) == 0);
  CHECK(run.epochs ==
        (9 + 3 * 2 + 6) + (5 * 3 + 6) + 3 * 9 + (3 + 2 + 6));  // 5 / 3 is 1; 3 / 3, 1 / 3 are 1
}

TEST_CASE("ASHA promotes the best share of those that ever were at a rung")
{
  const search::asynchronous_successive_halving asha{
      .eta = 2, .first_rung = 1, .max_concurrent_trials = 3};
  // The first to arrive is the best of its rung.
  CHECK(stopped(asha(line, {scored(0, {0.1})}, seed{})).empty());

  // Rung 1 holds 0.6, 0.5 and 0.4, stopped trials included: one of three continues.
  auto gone = scored(0, {0.6});
  gone.finished = true;
  CHECK(stopped(asha(line, {gone, scored(1, {0.5}), scored(2, {0.4})}, seed{})) == numbers{1, 2});
  // With a fourth, two continue: trial 1 is the second best now. Trial 3 is past the rung and is
  // not compared again.
  CHECK(stopped(asha(line, {gone, scored(1, {0.5}), scored(2, {0.4}), scored(3, {0.1, 0.9})},
                     seed{})) == numbers{2});
  // Ties go to the lower number.
  CHECK(stopped(asha(line, {scored(0, {0.5}), scored(1, {0.5})}, seed{})) == numbers{1});

  // No trial is compared between rungs, which are 1, 2, 4.
  CHECK(stopped(asha(line, {scored(0, {1, 1, 1, 1}), scored(1, {0, 0, 0})}, seed{})).empty());
  CHECK(stopped(asha(line, {scored(0, {1, 1, 1, 1}), scored(1, {0, 0, 0, 0})}, seed{})) ==
        numbers{1});
  // With two rungs between two rounds, a trial must hold at both.
  auto quick = scored(1, {});
  quick.past = {{2, 0.5, *quick.at}};
  CHECK(stopped(asha(line, {scored(0, {0.7, 0.1}), quick}, seed{})) == numbers{0, 1});
}

TEST_CASE("ASHA keeps its places filled, in order, and stops most early")
{
  const search::asynchronous_successive_halving asha{
      .eta = 3, .first_rung = 1, .max_concurrent_trials = 4};
  const auto run = simulate(asha, line, worth, {.trials = 60, .epochs = 27});
  std::int64_t next = 0;
  for (std::size_t look = 0; look < run.decisions.size(); ++look) {
    std::int64_t train = 0;
    for (const auto& d : run.decisions[look]) {
      const auto& before = run.evaluations[look][static_cast<std::size_t>(trial_of(d))];
      const bool starts = std::holds_alternative<search::start_trial>(d);
      if (starts) CHECK(trial_of(d) == next++);
      train += starts || (before.at && std::holds_alternative<search::keep_trial>(d)) ? 1 : 0;
    }
    CHECK(train <= 4);
    if (next < 60) CHECK(train == 4);
  }
  CHECK(next == 60);
  CHECK(run.reached(27) >= 1);
  CHECK(run.reached(2) < 30);
  CHECK(run.epochs < 60 * 27 / 4);
  // The best of all trains to the end: it is the best at each rung.
  const auto best = std::max_element(
      run.trial_states.begin(), run.trial_states.end(),
      [](const auto& a, const auto& b) { return a.at->real("x") < b.at->real("x"); });
  CHECK(best->epoch == 27);
}

TEST_CASE("halving finds better configurations than random search at equal cost")
{
  // Learning curves that rise to a value that depends on the configuration, with noise that shrinks
  // over the epochs.
  const auto learn = [](const search::configuration& p, std::int64_t epoch, double) {
    const double x = p.real("x");
    const double noise = std::sin(1e4 * x + 1e3 * static_cast<double>(epoch));
    return (1.0 - std::abs(x - 0.3)) * (1.0 - std::pow(0.7, static_cast<double>(epoch + 1))) +
           0.02 * noise / static_cast<double>(epoch + 1);
  };
  double halving = 0.0, asha = 0.0, random = 0.0;
  for (std::uint64_t s = 0; s < 20; ++s) {
    const auto a = simulate(search::successive_halving{}, line, learn,
                            {.trials = 27, .epochs = 27, .seed = seed{s}});
    const auto b = simulate(search::asynchronous_successive_halving{.eta = 3}, line, learn,
                            {.trials = 27, .epochs = 27, .seed = seed{s}});
    const auto r = simulate(search::random_search{}, line, learn,
                            {.trials = 4, .epochs = 27, .seed = seed{s}});
    CHECK(a.epochs <= r.epochs);
    halving += a.best() / 20.0;
    asha += b.best() / 20.0;
    random += r.best() / 20.0;
  }
  CHECK(halving > random + 0.03);
  CHECK(asha > random + 0.03);
}
