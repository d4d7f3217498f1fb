// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/search_strategy.hpp"
#include "support/doctest.hpp"
#include "support/sanitized.hpp"
#include "support/simulated_search.hpp"

#include <rolewise/search/asynchronous_successive_halving.hpp>
#include <rolewise/search/bohb.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/tree_parzen.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

using namespace rolewise;
using rolewise::tests::simulate;
namespace parts = rolewise::search::detail;
namespace rw = rolewise;

namespace {

const search::search_space mixed{
    {"lr", search::real_interval{1e-4, 1e-1, search::spacing::logarithmic}},
    {"momentum", search::real_interval{-1.0, 1.0}},
    {"bits", search::integer_interval{1, 8}},
    {"agent", search::choice_of{{"none", "policy", "random"}}}};

/// Best at lr = 10^-2.5, momentum 0.4, 4 bits and a policy, where it is 0.
double bowl(const search::configuration& p)
{
  const double rate = (std::log10(p.real("lr")) + 2.5) / 3.0;
  const double momentum = (p.real("momentum") - 0.4) / 2.0;
  const double bits = static_cast<double>(p.integer("bits") - 4) / 8.0;
  return -(rate * rate + momentum * momentum + bits * bits) -
         (p.choice("agent") == "policy" ? 0.0 : 0.1);
}

search::configuration located(double lr, double momentum, std::int64_t bits, const char* agent)
{
  return search::configuration{}
      .set("lr", lr)
      .set("momentum", momentum)
      .set("bits", bits)
      .set("agent", std::string{agent});
}

std::vector<search::trial_state> scored(
    const std::vector<std::pair<rw::search::configuration, std::vector<double>>>& tried)
{
  std::vector<search::trial_state> all;
  for (const auto& [p, scores] : tried) {
    search::trial_state s{.trial = std::ssize(all), .at = p, .finished = true};
    for (const double score : scores) s.past.push_back({++s.epoch, score, p});
    s.score = scores.back();
    all.push_back(std::move(s));
  }
  return all;
}

// [own-strategy]
struct model_based_halving {
  static constexpr std::string_view name = "model-based-halving";

  rw::search::asynchronous_successive_halving budget{.eta = 3, .max_concurrent_trials = 4};
  rw::search::tree_parzen model{.random_share = 0.25};

  std::vector<rw::search::decision> operator()(
      const rw::search::search_space& space,
      const std::vector<rw::search::trial_state>& trial_states, rw::seed key) const
  {
    return budget.decide(trial_states, [&](std::int64_t trial) {
      return model.propose(space, trial_states, key, trial);
    });
  }
};
static_assert(rw::search::SearchStrategy<model_based_halving>);
// [/own-strategy]

}  // namespace

TEST_CASE("configurations map to the unit cube and back")
{
  CHECK(parts::in_unit_cube(mixed, located(1e-4, -1.0, 1, "none")) ==
        std::vector<double>{0.0, 0.0, 0.5 / 8, 0.5 / 3});
  const auto middle = parts::in_unit_cube(mixed, located(std::sqrt(1e-5), 0.0, 8, "random"));
  CHECK(middle[0] == doctest::Approx(0.5));
  CHECK(middle[1] == 0.5);
  CHECK(middle[2] == 7.5 / 8);
  CHECK(middle[3] == 2.5 / 3);
  for (std::uint64_t i = 0; i < 200; ++i) {
    const auto p = mixed.sample(seed{i});
    const auto back = parts::from_unit_cube(mixed, parts::in_unit_cube(mixed, p));
    CHECK(mixed.contains(back));
    CHECK(back.real("lr") == doctest::Approx(p.real("lr")).epsilon(1e-12).scale(0));
    CHECK(back.integer("bits") == p.integer("bits"));
    CHECK(back.choice("agent") == p.choice("agent"));
  }
  CHECK(mixed.contains(parts::from_unit_cube(mixed, {0.0, 0.0, 0.0, 0.0})));
  CHECK(mixed.contains(parts::from_unit_cube(mixed, {1.0, 1.0, 1.0, 1.0})));
  CHECK_THROWS_WITH_AS((void)parts::in_unit_cube(mixed, located(0.01, 0.0, 2, "other")),
                       "rolewise: search: 'agent' is 'other', which is none of its names",
                       std::invalid_argument);
}

TEST_CASE("kernels and mixtures have the densities of the reference")
{
  // Computed with Python from the formulas: densities of normals truncated to [0, 1].
  const parts::bounded_normal narrow{0.2, 0.1}, wide{0.5, 1.0};
  CHECK(narrow.density(0.3) == doctest::Approx(2.4760374232796782).epsilon(1e-12).scale(0));
  CHECK(wide.density(0.9) == doctest::Approx(0.9617293589897772).epsilon(1e-12).scale(0));
  CHECK(parts::bounded_normal{0.3, 0.2}.mass(0.25, 0.5) ==
        doctest::Approx(0.4716718741761058).epsilon(1e-12).scale(0));
  CHECK(narrow.mass(0.0, narrow.at(0.37)) == doctest::Approx(0.37).epsilon(1e-12).scale(0));

  const auto widths = parts::kernel_widths({0.2, 0.7, 0.5}, 0.06);
  CHECK(widths[0] == doctest::Approx(0.3));  // 0 .2 .5
  CHECK(widths[1] == doctest::Approx(0.3));  // .5 .7 1
  CHECK(widths[2] == doctest::Approx(0.3));  // .2 .5 .7
  CHECK(parts::kernel_widths({0.98, 0.99, 0.97}, 0.06)[0] == 0.06);

  // A real, an integer of four values, one of three names; two points, weights 3 and 1.
  const std::vector<parts::cube_axis> axes{{}, {4, true}, {3, false}};
  const parts::parzen_estimator random_choice{
      axes, {{0.2, 0.125, 0.5 / 3}, {0.7, 0.875, 2.5 / 3}}, {3.0, 1.0}, {}};
  CHECK(random_choice.log_density({0.3, 0.125, 0.5 / 3}) ==
        doctest::Approx(-1.16227998249646).epsilon(1e-12).scale(0));
  CHECK(random_choice.log_density({0.9, 0.625, 1.5 / 3}) ==
        doctest::Approx(-3.32863874184984).epsilon(1e-12).scale(0));
}

TEST_CASE("a mixture draws what it says")
{
  const std::vector<parts::cube_axis> axes{{}, {4, true}, {3, false}};
  const parts::parzen_estimator random_choice{
      axes, {{0.2, 0.125, 0.5 / 3}, {0.7, 0.875, 2.5 / 3}}, {3.0, 1.0}, {}};
  // The probabilities of the 4 x 3 cells of the integer and the name, summed over the real.
  double expected[12] = {}, found[12] = {}, mean = 0.0, drawn = 0.0;
  constexpr int steps = 400, count = 20000;
  for (int cell = 0; cell < 12; ++cell)
    for (int i = 0; i < steps; ++i) {
      const double x = (i + 0.5) / steps;
      const double p =
          std::exp(random_choice.log_density({x, (cell / 3 + 0.5) / 4, (cell % 3 + 0.5) / 3})) /
          steps;
      expected[cell] += p;
      mean += x * p;
    }
  double whole = 0.0;
  for (const double p : expected) whole += p;
  CHECK(whole == doctest::Approx(1.0).epsilon(1e-4).scale(0));
  for (std::int64_t i = 0; i < count; ++i) {
    const auto p = random_choice.draw(draws{seed{5}, 0, i});
    found[3 * parts::cell_at(p[1], 4) + parts::cell_at(p[2], 3)] += 1.0 / count;
    drawn += p[0] / count;
  }
  CHECK(std::abs(drawn - mean) < 5 * 0.3 / std::sqrt(count));
  for (int cell = 0; cell < 12; ++cell)
    CHECK(std::abs(found[cell] - expected[cell]) <
          5 * std::sqrt(expected[cell] * (1.0 - expected[cell]) / count));
}

TEST_CASE("tree_parzen and bohb keep the promises of SearchStrategy")
{
  for (const auto& space : {mixed, search::search_space{}}) {
    laws::hold_for(search::tree_parzen{}, space, 6, 12);
    laws::hold_for(search::tree_parzen{.max_concurrent_trials = 3, .start_up = 2}, space, 12, 12);
    laws::hold_for(
        search::tree_parzen{.max_concurrent_trials = 2, .start_up = 2, .random_share = 0.5}, space,
        12, 12);
    laws::hold_for(search::bohb{.budget = {.eta = 2, .most = 4}}, space, 19, 16);
  }
}

TEST_CASE("tree_parzen proposes where the good are and the bad are not")
{
  std::vector<std::pair<rw::search::configuration, std::vector<double>>> tried;
  for (int i = 0; i < 5; ++i) {
    tried.push_back({located(1e-3, -0.6 + 0.02 * i, 2, "policy"), {0.9 + 0.01 * i}});
    for (int j = 0; j < 5; ++j)
      tried.push_back({located(3e-2, 0.1 + 0.1 * i + 0.02 * j, 3 + j, "none"), {0.1 * j}});
  }
  const auto trial_states = scored(tried);
  int near = 0, names = 0;
  for (std::int64_t trial = 30; trial < 60; ++trial) {
    const auto p = search::tree_parzen{}.propose(mixed, trial_states, seed{2}, trial);
    CHECK(mixed.contains(p));
    near += std::abs(p.real("momentum") + 0.56) < 0.3 && p.integer("bits") <= 3 ? 1 : 0;
    names += p.choice("agent") == "policy" ? 1 : 0;
  }
  CHECK(near > 20);
  CHECK(names > 25);
  // With `random_share` 1 all proposals are uniform.
  int random_names = 0;
  for (std::int64_t trial = 30; trial < 130; ++trial)
    random_names += search::tree_parzen{.random_share = 1.0}
                                .propose(mixed, trial_states, seed{2}, trial)
                                .choice("agent") == "policy"
                        ? 1
                        : 0;
  CHECK(random_names < 60);
}

TEST_CASE(
    "a good configuration of tree_parzen weighs as much as it is better than the best bad one")
{
  // Three are a little better than all others, one is much better.
  const search::search_space names{{"agent", search::choice_of{{"much", "little", "nothing"}}}};
  const auto tried_at = [&](double much) {
    std::vector<std::pair<rw::search::configuration, std::vector<double>>> tried;
    for (int i = 0; i < 20; ++i) {
      const auto* name = i == 0 ? "much" : i < 4 ? "little" : "nothing";
      tried.push_back({search::configuration{}.set("agent", std::string{name}),
                       {i == 0  ? much
                        : i < 4 ? 0.1
                                : 0.0}});
    }
    return scored(tried);
  };
  const auto times = [&](double much, const char* name) {
    const auto trial_states = tried_at(much);
    int count = 0;
    for (std::int64_t trial = 20; trial < 40; ++trial)
      count += search::tree_parzen{.good_share = 0.2}
                           .propose(names, trial_states, seed{6}, trial)
                           .choice("agent") == name
                   ? 1
                   : 0;
    return count;
  };
  CHECK(times(10.0, "much") == 20);
  CHECK(times(0.1, "little") == 20);
}

TEST_CASE("tree_parzen compares scores at the highest epoch that enough trials reached")
{
  // After one epoch "early" is good; after two, where three trials have scores, "late" is.
  const search::search_space names{{"agent", search::choice_of{{"early", "late"}}}};
  const auto named = [](const char* n) {
    return search::configuration{}.set("agent", std::string{n});
  };
  std::vector<std::pair<rw::search::configuration, std::vector<double>>> tried;
  for (int i = 0; i < 3; ++i) tried.push_back({named("early"), {0.9}});
  tried.push_back({named("early"), {0.8, 0.1}});
  tried.push_back({named("late"), {0.1, 0.7}});
  tried.push_back({named("early"), {0.8, 0.2}});
  const auto trial_states = scored(tried);
  const auto most_are = [&](const search::tree_parzen& strategy, const char* name) {
    int times = 0;
    for (std::int64_t trial = 0; trial < 20; ++trial)
      times +=
          strategy.propose(names, trial_states, seed{4}, trial).choice("agent") == name ? 1 : 0;
    return times > 15;
  };
  CHECK(most_are({.start_up = 3, .good_share = 0.3}, "late"));
  CHECK(most_are({.start_up = 4, .good_share = 0.5}, "early"));
}

TEST_CASE("tree_parzen starts random trials first, and as many at a time as it may")
{
  std::vector<search::trial_state> fresh;
  for (std::int64_t t = 0; t < 5; ++t) fresh.push_back({.trial = t});
  const auto decisions = search::tree_parzen{.max_concurrent_trials = 2}(mixed, fresh, seed{1});
  CHECK(std::holds_alternative<search::start_trial>(decisions[0]));
  CHECK(std::holds_alternative<search::start_trial>(decisions[1]));
  for (std::size_t i = 2; i < 5; ++i)
    CHECK(std::holds_alternative<search::keep_trial>(decisions[i]));

  const auto run =
      simulate(search::tree_parzen{.max_concurrent_trials = 3, .start_up = 5}, mixed,
               [](const search::configuration& p, std::int64_t, double) { return bowl(p); },
               {.trials = 12, .epochs = 4});
  CHECK(run.epochs == 12 * 4);
  CHECK(run.decisions.size() == 4 * 4);
}

TEST_CASE("tree_parzen refuses what makes no sense")
{
  const auto refuses = [](const search::tree_parzen& strategy, const char* why) {
    CHECK_THROWS_WITH_AS((void)strategy(mixed, {{.trial = 0}}, seed{}), why, std::invalid_argument);
  };
  refuses({.max_concurrent_trials = 0},
          "rolewise: tree-parzen: want max_concurrent_trials, least_good and candidates >= 1, "
          "start_up >= 2, got "
          "0, 1, 24 and 10");
  refuses({.good_share = 1.0},
          "rolewise: tree-parzen: want good_share in (0, 1) and random_share in [0, 1], got 1 and "
          "0");
  refuses({.least_width = 0.0},
          "rolewise: tree-parzen: want least_width and widening > 0, other_names in (0, 1), got 0, "
          "1 and 0.2");
}

TEST_CASE("models find better configurations than random search at equal cost")
{
  const auto learn = [](const search::configuration& p, std::int64_t, double) { return bowl(p); };
  double model = 0.0, random = 0.0;
  for (std::uint64_t s = 0; s < tests::repetitions(16U, 4U); ++s) {
    model +=
        simulate(search::tree_parzen{}, mixed, learn, {.trials = 80, .epochs = 1, .seed = seed{s}})
            .best() /
        16;
    random += simulate(search::random_search{}, mixed, learn,
                       {.trials = 80, .epochs = 1, .seed = seed{s}})
                  .best() /
              16;
  }
  MESSAGE("tree_parzen " << model << " random " << random);
  CHECK(model > 0.6 * random);  // both are negative; the optimum is 0
}

TEST_CASE("bohb allocates epochs as hyperband does and later proposes better configurations")
{
  const search::bohb strategy{.budget = {.most = 27}};
  REQUIRE(strategy.budget.trials() == 49);
  const auto learn = [](const search::configuration& p, std::int64_t epoch, double) {
    return bowl(p) - std::pow(0.6, static_cast<double>(epoch));
  };
  double model = 0.0, plain = 0.0;
  for (std::uint64_t s = 0; s < tests::repetitions(6U, 2U); ++s) {
    const tests::simulation_options options{.trials = 4 * 49, .epochs = 27, .seed = seed{s}};
    const auto a = simulate(strategy, mixed, learn, options);
    const auto b = simulate(search::hyperband{.most = 27}, mixed, learn, options);
    CHECK(a.epochs == b.epochs);
    model += a.best() / 6;
    plain += b.best() / 6;
  }
  MESSAGE("bohb " << model << " hyperband " << plain);
  CHECK(model > 0.6 * plain);
}

TEST_CASE("strategies that allocate epochs take configurations from any proposer")
{
  laws::hold_for(model_based_halving{}, mixed, 20, 12);
  const auto learn = [](const search::configuration& p, std::int64_t, double) { return bowl(p); };
  const auto run = simulate(model_based_halving{}, mixed, learn, {.trials = 60, .epochs = 9});
  CHECK(run.epochs < 60 * 9 / 2);
  CHECK(run.best() > -0.1);
}
