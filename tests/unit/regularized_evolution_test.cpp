// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/search_strategy.hpp"
#include "support/doctest.hpp"
#include "support/simulated_search.hpp"

#include <rolewise/search/random_search.hpp>
#include <rolewise/search/regularized_evolution.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

using namespace rolewise;
using rolewise::tests::simulate;

namespace {

const search::search_space mixed{
    {"lr", search::real_interval{1e-4, 1e-1, search::spacing::logarithmic}},
    {"bits", search::integer_interval{1, 8}},
    {"still", search::integer_interval{3, 3}},
    {"agent", search::choice_of{{"none", "policy", "random"}}}};

search::search_space letters()
{
  std::vector<search::dimension> all;
  for (int i = 0; i < 8; ++i)
    all.push_back({"cell" + std::to_string(i), search::choice_of{{"a", "b", "c", "d"}}});
  return search::search_space{all};
}

/// The share of cells that are "c".
double worth(const search::configuration& p, std::int64_t, double)
{
  double found = 0.0;
  for (const auto& [name, x] : p.values()) found += std::get<std::string>(x) == "c" ? 0.125 : 0.0;
  return found;
}

std::vector<std::string> differing(const search::configuration& a, const search::configuration& b)
{
  std::vector<std::string> names;
  for (const auto& [name, x] : a.values())
    if (!(*b.find(name) == x)) names.push_back(name);
  return names;
}

search::trial_state through(std::int64_t trial, double score)
{
  const auto p = mixed.sample(seed{100}.split(static_cast<std::uint64_t>(trial)));
  return {.trial = trial,
          .epoch = 1,
          .score = score,
          .at = p,
          .finished = true,
          .past = {{1, score, p}}};
}

}  // namespace

TEST_CASE("regularized evolution keeps the promises of SearchStrategy")
{
  for (const auto& space : {mixed, search::search_space{}}) {
    laws::hold_for(search::regularized_evolution{}, space);
    laws::hold_for(search::regularized_evolution{.population = 3, .sample = 2}, space, 9, 12);
    laws::hold_for(search::regularized_evolution{.population = 4, .max_concurrent_trials = 1},
                   space, 6, 12);
  }
}

TEST_CASE("a child differs from its parent in one dimension, evenly among values")
{
  const auto parent = search::configuration{}
                          .set("lr", 1e-3)
                          .set("bits", std::int64_t{5})
                          .set("still", std::int64_t{3})
                          .set("agent", std::string{"none"});
  std::map<std::string, int> times;
  std::map<std::int64_t, int> bits;
  std::map<std::string, int> agents;
  constexpr int count = 6000;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto child = search::regularized_evolution::mutated(mixed, parent, seed{i});
    CHECK(mixed.contains(child));
    const auto names = differing(parent, child);
    REQUIRE(names.size() == 1);
    ++times[names[0]];
    if (names[0] == "bits") ++bits[child.integer("bits")];
    if (names[0] == "agent") ++agents[child.choice("agent")];
  }
  // Five standard deviations about the even counts; nothing can change "still".
  REQUIRE(times.size() == 3);
  for (const auto& [name, n] : times) CHECK(std::abs(n - count / 3) < 183);
  REQUIRE(bits.size() == 7);
  CHECK(bits.count(5) == 0);
  for (const auto& [b, n] : bits) CHECK(std::abs(n - times["bits"] / 7) < 80);
  REQUIRE(agents.size() == 2);
  CHECK(std::abs(agents["policy"] - times["agent"] / 2) < 112);

  const search::search_space still{{"still", search::integer_interval{3, 3}}};
  CHECK(search::regularized_evolution::mutated(still, still.sample(seed{}), seed{}) ==
        still.sample(seed{}));
}

TEST_CASE("parents are the best of a sample of the youngest, and the oldest are forgotten")
{
  // Trial 0 is the best but too old: the population is 1, 2 and 3.
  const std::vector<search::trial_state> trial_states{through(0, 9.0), through(1, 0.2),
                                                      through(2, 0.4), through(3, 0.3),
                                                      {.trial = 4},    {.trial = 5}};
  std::map<std::int64_t, int> parents;
  constexpr int count = 2000;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto decisions =
        search::regularized_evolution{.population = 3, .sample = 2}(mixed, trial_states, seed{i});
    REQUIRE(decisions.size() == 2);
    const auto& born = std::get<search::start_trial>(decisions[0]);
    REQUIRE(born.parent);
    ++parents[*born.parent];
    CHECK(differing(*trial_states[static_cast<std::size_t>(*born.parent)].at, born.at).size() == 1);
  }
  // Two draws with replacement from three: the best with 5/9, the next with 3/9, the worst 1/9.
  REQUIRE(parents.size() == 3);
  CHECK(std::abs(parents[2] - count * 5 / 9) < 112);
  CHECK(std::abs(parents[3] - count * 3 / 9) < 106);
  CHECK(std::abs(parents[1] - count * 1 / 9) < 71);

  // Ties go to the lower number, which is drawn at least once with probability 5/9.
  auto equals = trial_states;
  for (auto& s : equals) s.score = 0.5;
  int first = 0;
  for (std::uint64_t i = 0; i < count; ++i)
    first +=
        std::get<search::start_trial>(
            search::regularized_evolution{.population = 3, .sample = 2}(mixed, equals, seed{i})[0])
                    .parent == 1
            ? 1
            : 0;
  CHECK(std::abs(first - count * 5 / 9) < 112);
}

TEST_CASE("children wait for a whole population, and for a place")
{
  const search::regularized_evolution strategy{
      .population = 3, .sample = 2, .max_concurrent_trials = 2};
  const auto starts = [](const std::vector<search::decision>& decisions) {
    std::vector<std::int64_t> found;
    for (const auto& d : decisions)
      if (std::holds_alternative<search::start_trial>(d)) found.push_back(trial_of(d));
    return found;
  };
  using numbers = std::vector<std::int64_t>;
  auto running = through(2, 0.1);
  running.finished = false;
  CHECK(starts(strategy(mixed, {{.trial = 0}, {.trial = 1}, {.trial = 2}, {.trial = 3}}, seed{})) ==
        numbers{0, 1});
  // Two trials of the first population have finished, the third is training: no child starts.
  CHECK(starts(strategy(mixed, {through(0, 0.1), through(1, 0.2), running, {.trial = 3}},
                        seed{})) == numbers{});
  // The third was stopped without a score: evolution continues with the other two.
  search::trial_state stopped{.trial = 2, .finished = true};
  CHECK(starts(strategy(mixed, {through(0, 0.1), through(1, 0.2), stopped, {.trial = 3}},
                        seed{})) == numbers{3});
  CHECK(starts(strategy(mixed,
                        {through(0, 0.1),
                         through(1, 0.2),
                         through(2, 0.3),
                         {.trial = 3},
                         {.trial = 4},
                         {.trial = 5}},
                        seed{})) == numbers{3, 4});
}

TEST_CASE("regularized evolution refuses what makes no sense")
{
  CHECK_THROWS_WITH_AS(
      (void)(search::regularized_evolution{.population = 0}(mixed, {{.trial = 0}}, seed{})),
      "rolewise: regularized-evolution: want population and sample >= 1, max_concurrent_trials >= "
      "0, got 0, 4 "
      "and 0",
      std::invalid_argument);
  CHECK_THROWS_AS((void)(search::regularized_evolution{.sample = 0}(mixed, {{.trial = 0}}, seed{})),
                  std::invalid_argument);
}

TEST_CASE("evolution finds better configurations than random search at equal cost")
{
  const auto space = letters();
  double evolved = 0.0, random = 0.0;
  for (std::uint64_t s = 0; s < 16; ++s) {
    const tests::simulation_options options{.trials = 160, .epochs = 2, .seed = seed{s}};
    const auto run = simulate(search::regularized_evolution{}, space, worth, options);
    CHECK(run.epochs == 320);
    CHECK(run.decisions.size() == 20);
    evolved += run.best() / 16;
    random += simulate(search::random_search{}, space, worth, options).best() / 16;
  }
  MESSAGE("evolution " << evolved << " random " << random);
  CHECK(evolved > random + 0.1);
}
