// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/search_strategy.hpp"
#include "support/doctest.hpp"
#include "support/simulated_search.hpp"

#include <rolewise/search/pb2.hpp>
#include <rolewise/search/random_search.hpp>

#include <ATen/Parallel.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <set>
#include <stdexcept>
#include <variant>
#include <vector>

using namespace rolewise;
using rolewise::tests::simulate;
namespace parts = rolewise::search::detail;

namespace {

const search::search_space mixed{
    {"lr", search::real_interval{1e-4, 1e-1, search::spacing::logarithmic}},
    {"momentum", search::real_interval{-1.0, 1.0}},
    {"bits", search::integer_interval{1, 8}},
    {"agent", search::choice_of{{"none", "policy", "random"}}}};
const search::search_space plane{{"x", search::real_interval{}}, {"y", search::real_interval{}}};

}  // namespace

TEST_CASE("a Gaussian process agrees with the reference")
{
  // Computed with numpy: exp(-|x - y|^2 / (2 0.4^2)) 0.8^(|t - s| / 2), noise 0.1.
  const std::vector<parts::timed_place> places{
      {{0.1, 0.2}, 1.0}, {{0.4, 0.9}, 2.0}, {{0.8, 0.3}, 4.0}};
  const parts::gaussian_process process{
      places, {0.5, -1.0, 2.0}, {.length = 0.4, .forgetting = 0.2, .noise = 0.1}};
  const parts::timed_place elsewhere{{0.5, 0.5}, 5.0};
  const auto known = process.covariances(elsewhere), own = process.covariances(places[1]);
  CHECK(process.mean(known) == doctest::Approx(0.744019358857002).epsilon(1e-12).scale(0));
  CHECK(process.variance(known) == doctest::Approx(0.544813520337542).epsilon(1e-12).scale(0));
  CHECK(process.mean(own) == doctest::Approx(-0.876524502604926).epsilon(1e-12).scale(0));
  CHECK(process.variance(own) == doctest::Approx(0.0905933260069859).epsilon(1e-12).scale(0));
  const parts::place_distances between{places};
  const auto covariance =
      between.nearness(0.4) * between.memory(0.2) + 0.1 * torch::eye(3, torch::kFloat64);
  const auto values = torch::tensor({0.5, -1.0, 2.0}, torch::kFloat64);
  CHECK(parts::log_likelihoods(covariance, values).item<double>() ==
        doctest::Approx(-5.52582863839871).epsilon(1e-12).scale(0));
  for (std::int64_t i = 0; i < 3; ++i)  // the covariances of pairs and of a point are the same
    CHECK((covariance[1][i].item<double>() - (i == 1 ? 0.1 : 0.0)) ==
          doctest::Approx(own[static_cast<std::size_t>(i)]).epsilon(1e-14).scale(0));

  // One observation: the mean is k / (1 + noise) times its value; the variance drops by k^2 / (1
  // + noise).
  const parts::gaussian_process one{{{{0.0}, 0.0}}, {2.0}, {.length = 1.0, .noise = 0.25}};
  const double k = std::exp(-0.5);
  CHECK(one.mean(one.covariances({{1.0}, 7.0})) == doctest::Approx(k * 2.0 / 1.25));
  CHECK(one.variance(one.covariances({{1.0}, 7.0})) == doctest::Approx(1.0 - k * k / 1.25));
  // Forgetting of 0.19 over two steps scales the mean by 0.81^(2/2).
  const parts::gaussian_process fading{
      {{{0.0}, 0.0}}, {2.0}, {.length = 1.0, .forgetting = 0.19, .noise = 0.25}};
  CHECK(fading.mean(fading.covariances({{0.0}, 2.0})) == doctest::Approx(0.81 * 2.0 / 1.25));
}

TEST_CASE("the likeliest settings tell signal from noise and rest from change")
{
  std::vector<parts::timed_place> places;
  std::vector<double> smooth, noisy, changing;
  for (int i = 0; i < 40; ++i) {
    const double x = std::fmod(0.618 * i, 1.0);
    places.push_back({{x}, static_cast<double>(i)});
    smooth.push_back(2.0 * std::sin(3.0 * x) - 1.2);
    noisy.push_back(draws{seed{3}, 0, i}.normal(0));
    changing.push_back(std::sin(0.7 * i));
  }
  const auto calm = rolewise::search::detail::likeliest_settings(places, smooth);
  CHECK(calm.noise == 0.01);
  CHECK(calm.forgetting == 0.0);
  CHECK(parts::likeliest_settings(places, noisy).noise == 0.5);
  CHECK(parts::likeliest_settings(places, changing).forgetting > 0.0);
}

TEST_CASE("what is not positive definite has no Cholesky factor and no likelihood")
{
  const auto unit = torch::eye(2, torch::kFloat64);
  const auto factors = parts::cholesky_factors(torch::stack({4.0 * unit, -unit, unit / 0.0}));
  CHECK(torch::equal(factors[0], 2.0 * unit));
  CHECK(factors[1].isnan().all().item<bool>());
  CHECK(factors[2].isnan().all().item<bool>());
  const auto found =
      parts::log_likelihoods(torch::stack({unit, -unit}), torch::ones({2}, unit.options()));
  CHECK(found[0].item<double>() == doctest::Approx(-1.0 - std::log(2.0 * std::numbers::pi)));
  CHECK(std::isnan(found[1].item<double>()));
}

TEST_CASE("a bandit's picks do not depend on the number of threads")
{
  std::vector<parts::gain_seen> seen;
  for (int i = 0; i < 150; ++i)
    seen.push_back({{{draws{seed{3}, 0, i}.uniform(0), draws{seed{3}, 0, i}.uniform(1)},
                     static_cast<double>(i / 16)},
                    draws{seed{5}, 0, i}.normal(0)});
  const auto picked = [&](int threads) {
    const int before = at::get_num_threads();
    at::set_num_threads(threads);
    parts::bandit bandit{seen, {}};
    const auto found = bandit.pick(10.0, 2, 64, seed{1});
    CHECK(at::get_num_threads() == threads);
    at::set_num_threads(before);
    return found;
  };
  CHECK(picked(1) == picked(4));
}

TEST_CASE("a bandit goes where gains were, and not twice")
{
  // Gains peak at 0.3; they are observed on a grid, at the last step.
  std::vector<parts::gain_seen> seen;
  for (int i = 0; i <= 20; ++i) {
    const double x = i / 20.0;
    seen.push_back({{{x}, 4.0}, -(x - 0.3) * (x - 0.3)});
  }
  parts::bandit sure{seen, {}};
  CHECK(std::abs(sure.pick(4.0, 1, 256, seed{1})[0] - 0.3) < 0.06);

  // All gains are 0, in one corner of a six-dimensional cube: the first pick is far from it, the
  // second far from both.
  const std::vector<parts::gain_seen> flat(20, {{std::vector<double>(6, 0.05), 1.0}, 0.0});
  parts::bandit curious{flat, {}};
  const auto first = curious.pick(2.0, 6, 256, seed{1});
  const auto second = curious.pick(2.0, 6, 256, seed{1});
  double middle = 0.0, apart = 0.0;
  for (std::size_t i = 0; i < 6; ++i) {
    middle += first[i] / 6.0;
    apart += (first[i] - second[i]) * (first[i] - second[i]);
  }
  CHECK(middle > 0.75);
  CHECK(apart > 0.5);
  // Pending points count like picked ones.
  CHECK(parts::bandit{flat, {{first, 2.0}}}.pick(2.0, 6, 256, seed{1}) == second);

  const auto values = parts::standardized({{{{0.0}, 0.0}, 1.0}, {{{0.0}, 0.0}, 3.0}});
  CHECK(values[0] == doctest::Approx(-1.0));
  CHECK(values[1] == doctest::Approx(1.0));
  std::vector<parts::gain_seen> wild(20, {{{0.0}, 0.0}, 0.0});
  wild[7].gain = 1e6;
  CHECK(parts::standardized(wild)[7] == 2.0);
}

TEST_CASE("truncation selection takes from the best share for the worst")
{
  std::vector<parts::ranked_trial> eight;
  for (std::int64_t t = 0; t < 8; ++t) eight.push_back({t, static_cast<double>(t % 4)});
  // Best first: 3 7 2 6 1 5 0 4.
  std::set<std::int64_t> sources;
  for (std::int64_t step = 0; step < 40; ++step) {
    const auto made = parts::exchanges(eight, 0.25, seed{1}, step);
    REQUIRE(made.size() == 2);
    CHECK(made[0].to == 0);
    CHECK(made[1].to == 4);
    for (const auto& e : made) sources.insert(e.from);
  }
  CHECK(sources == std::set<std::int64_t>{3, 7});
  CHECK(parts::exchanges(eight, 0.0, seed{1}, 0).empty());
  CHECK(parts::exchanges({{0, 1.0}}, 0.5, seed{1}, 0).empty());
  CHECK(parts::exchanges({{0, 1.0}, {1, 2.0}, {2, 3.0}}, 0.34, seed{1}, 0).size() == 1);
  CHECK(parts::exchanges({}, 0.5, seed{1}, 0).empty());
}

TEST_CASE("pb2 keeps the promises of SearchStrategy")
{
  for (const auto& space :
       {mixed, plane, search::search_space{},
        search::search_space{{"agent", search::choice_of{{"none", "policy"}}}}}) {
    laws::hold_for(search::pb2{.candidates = 16}, space, 6, 6);
    laws::hold_for(search::pb2{.share = 0.5, .candidates = 16, .memory = 3}, space, 5, 6);
    laws::hold_for(search::pb2{.candidates = 16}, space, 1, 3);
  }
}

TEST_CASE("pb2 copies the best to the worst and leaves the others")
{
  std::vector<search::trial_state> four;
  for (std::int64_t t = 0; t < 4; ++t) {
    const auto p = mixed.sample(seed{9}.split(static_cast<std::uint64_t>(t)));
    four.push_back({.trial = t,
                    .epoch = 2,
                    .score = 0.1 * static_cast<double>(t),
                    .at = p,
                    .past = {{2, 0.1 * static_cast<double>(t), p}}});
  }
  const auto decisions = search::pb2{}(mixed, four, seed{1});
  REQUIRE(decisions.size() == 4);
  const auto& copy = std::get<search::exploit_trial>(decisions[0]);
  CHECK(copy.from == 3);
  CHECK(copy.to == 0);
  CHECK(mixed.contains(copy.at));
  for (std::size_t i = 1; i < 4; ++i)
    CHECK((decisions[i] == search::decision{search::keep_trial{static_cast<std::int64_t>(i)}}));

  // Names are inherited, except that one in four is drawn from all three.
  int inherited = 0;
  for (std::uint64_t s = 0; s < 400; ++s) {
    const auto made = search::pb2{}(mixed, four, seed{s});
    inherited +=
        std::get<search::exploit_trial>(made[0]).at.choice("agent") == four[3].at->choice("agent")
            ? 1
            : 0;
  }
  CHECK(std::abs(inherited - 400 * (0.75 + 0.25 / 3)) < 38);  // five standard deviations
}

TEST_CASE("pb2 learns from what a copy gained after it was made, not from what it was given")
{
  // The copies gain nothing from x: their scores come from the best trials. This shows only if
  // gains are measured from the score of the source; from a copy's own old score, x near 1 would
  // look best.
  const search::search_space line{{"x", search::real_interval{}}};
  const auto at = [](double x) { return search::configuration{}.set("x", x); };
  std::vector<search::trial_state> all;
  for (std::int64_t t = 0; t < 8; ++t) {
    const double x = 0.05 + 0.06 * static_cast<double>(t);  // up to 0.47
    const bool is_worst = t == 0 || t == 1;
    search::trial_state s{
        .trial = t, .epoch = 2, .at = at(is_worst ? 0.95 - 0.05 * static_cast<double>(t) : x)};
    // The others rise by x; the two worst rise from 0 to 1 as copies at x near 1, which is no
    // gain over their source.
    const double before = is_worst ? 0.0 : 1.0;
    const double after = is_worst ? 1.0 : 1.0 + x;
    s.past = {{1, before, at(x)}, {2, after, *s.at}};
    s.score = after;
    all.push_back(s);
  }
  const auto decisions = search::pb2{}(line, all, seed{3});
  double mean = 0.0;
  int copies = 0;
  for (const auto& d : decisions)
    if (const auto* copy = std::get_if<search::exploit_trial>(&d)) {
      mean += copy->at.real("x");
      ++copies;
    }
  REQUIRE(copies == 2);
  CHECK(mean / copies < 0.75);
}

TEST_CASE("pb2 refuses what makes no sense")
{
  CHECK_THROWS_WITH_AS((void)(search::pb2{.share = 0.6}(plane, {{.trial = 0}}, seed{})),
                       "rolewise: pb2: want share in [0, 0.5] and resample in [0, 1], got 0.6 and "
                       "0.25",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)(search::pb2{.memory = 0}(plane, {{.trial = 0}}, seed{})),
                       "rolewise: pb2: want candidates and memory >= 1, got 256 and 0",
                       std::invalid_argument);
}

TEST_CASE("pb2 learns more than a population that stays where it began")
{
  // The gain of an epoch depends on the configuration, and the best configuration moves over time.
  const auto learn = [](const search::configuration& p, std::int64_t epoch, double learned) {
    const double best = 0.2 + 0.02 * static_cast<double>(epoch);
    const double x = p.real("x") - best, y = p.real("y") - 0.7;
    return learned + std::exp(-8.0 * (x * x + y * y));
  };
  double picked = 0.0, still = 0.0;
  for (std::uint64_t s = 0; s < 4; ++s) {
    const tests::simulation_options options{.trials = 8, .epochs = 30, .seed = seed{s}};
    picked += simulate(search::pb2{.memory = 80}, plane, learn, options).best() / 4;
    still += simulate(search::random_search{}, plane, learn, options).best() / 4;
  }
  MESSAGE("pb2 " << picked << " random " << still);
  CHECK(picked > still + 3.0);
}
