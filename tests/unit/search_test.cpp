// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/search_strategy.hpp"
#include "support/doctest.hpp"

#include <rolewise/core/state.hpp>
#include <rolewise/search/grid.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/search/space.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

using namespace rolewise;

namespace {

const search::search_space mixed{
    {"lr", search::real_interval{1e-4, 1e-1, search::spacing::logarithmic}},
    {"momentum", search::real_interval{-1.0, 1.0}},
    {"bits", search::integer_interval{1, 8}},
    {"agent", search::choice_of{{"none", "policy", "random"}}}};

/// An archive that keeps each value it visits, and writes the kept values back if `reading` is
/// set.
class memory {
 public:
  bool reading = false;
  std::map<std::string,
           std::variant<std::vector<std::string>, std::vector<std::int64_t>, std::vector<double>>>
      kept;

  template<typename T>
  void value(std::string_view name, T& x)
  {
    if (reading)
      x = std::get<T>(kept.at(std::string{name}));
    else
      kept[std::string{name}] = x;
  }
};

std::vector<search::trial_state> waiting(std::int64_t trials)
{
  std::vector<search::trial_state> all;
  for (std::int64_t t = 0; t < trials; ++t) all.push_back({.trial = t});
  return all;
}

}  // namespace

TEST_CASE("a configuration gives its values by name and kind")
{
  search::configuration p;
  p.set("lr", 0.1).set("bits", std::int64_t{2}).set("agent", std::string{"none"});
  CHECK(p.real("lr") == 0.1);
  CHECK(p.integer("bits") == 2);
  CHECK(p.choice("agent") == "none");
  p.set("bits", std::int64_t{4});
  CHECK(p.integer("bits") == 4);
  CHECK(p.values().size() == 3);

  CHECK_THROWS_WITH_AS(
      (void)p.real("rate"),
      "rolewise: configuration: has no value named 'rate'; it has 'lr', 'bits', 'agent'",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)p.real("bits"),
                       "rolewise: configuration: 'bits' is an integer, not a real",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)p.integer("agent"),
                       "rolewise: configuration: 'agent' is a choice, not an integer",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)search::configuration{}.choice("x"),
                       "rolewise: configuration: has no value named 'x'; it has none",
                       std::invalid_argument);
}

TEST_CASE("a configuration survives being written and read")
{
  static_assert(Stateful<search::configuration>);
  auto original = mixed.sample(seed{3});
  memory archive;
  original.visit_state(archive);
  archive.reading = true;
  search::configuration copy;
  copy.set("stale", 1.0);
  copy.visit_state(archive);
  CHECK(copy == original);

  archive.kept["kinds"] = std::vector<std::int64_t>{0, 0, 1, 9};
  CHECK_THROWS_WITH_AS(
      copy.visit_state(archive),
      "rolewise: configuration: its state gives 'agent' a value of the unknown kind 9",
      std::runtime_error);
  archive.kept["kinds"] = std::vector<std::int64_t>{0};
  CHECK_THROWS_AS(copy.visit_state(archive), std::runtime_error);
}

TEST_CASE("samples lie in the space and fill it evenly")
{
  constexpr std::int64_t count = 4000;
  std::map<std::int64_t, int> bits;
  std::map<std::string, int> agents;
  double decades = 0.0, momentum = 0.0, least = 1.0, most = 0.0;
  int below_geometric_middle = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto p = mixed.sample(seed{1}.split(i));
    CHECK(mixed.contains(p));
    ++bits[p.integer("bits")];
    ++agents[p.choice("agent")];
    decades += std::log10(p.real("lr")) / count;
    momentum += p.real("momentum") / count;
    least = std::min(least, p.real("lr"));
    most = std::max(most, p.real("lr"));
    below_geometric_middle += p.real("lr") < std::sqrt(1e-5) ? 1 : 0;
  }
  // Five standard deviations of each mean or count.
  CHECK(std::abs(decades + 2.5) < 5 * 3.0 / std::sqrt(12.0 * count));
  CHECK(std::abs(momentum) < 5 * 2.0 / std::sqrt(12.0 * count));
  CHECK(std::abs(below_geometric_middle - count / 2) < 5 * std::sqrt(count / 4.0));
  CHECK(least < 1.1e-4);
  CHECK(most > 0.09);
  REQUIRE(bits.size() == 8);
  REQUIRE(agents.size() == 3);
  for (const auto& [b, times] : bits)
    CHECK(std::abs(times - count / 8.0) < 5 * std::sqrt(count * 7.0 / 64.0));
  for (const auto& [a, times] : agents)
    CHECK(std::abs(times - count / 3.0) < 5 * std::sqrt(count * 2.0 / 9.0));
}

TEST_CASE("the draw of a dimension depends on the seed and its own name alone")
{
  const seed key{5};
  const auto p = mixed.sample(key);
  CHECK(p == mixed.sample(key));
  CHECK_FALSE(p == mixed.sample(seed{6}));

  const search::search_space fewer{
      {"bits", search::integer_interval{1, 8}},
      {"lr", search::real_interval{1e-4, 1e-1, search::spacing::logarithmic}}};
  CHECK(fewer.sample(key).integer("bits") == p.integer("bits"));
  CHECK(fewer.sample(key).real("lr") == p.real("lr"));

  const search::search_space twins{{"a", search::real_interval{}}, {"b", search::real_interval{}}};
  CHECK(twins.sample(key).real("a") != twins.sample(key).real("b"));
}

TEST_CASE("a space contains its configurations and no others")
{
  auto p = mixed.sample(seed{1});
  CHECK(mixed.contains(p));
  CHECK_FALSE(mixed.contains(search::configuration{}));
  CHECK_FALSE(mixed.contains(search::configuration{p}.set("lr", 1.0)));
  CHECK_FALSE(mixed.contains(search::configuration{p}.set("bits", std::int64_t{9})));
  CHECK_FALSE(mixed.contains(search::configuration{p}.set("bits", 2.0)));
  CHECK_FALSE(mixed.contains(search::configuration{p}.set("agent", std::string{"other"})));
  CHECK_FALSE(mixed.contains(search::configuration{p}.set("more", 0.0)));
  CHECK_FALSE(
      mixed.contains(search::configuration{p}.set("lr", std::numeric_limits<double>::quiet_NaN())));
  CHECK(mixed.contains(search::configuration{p}.set("lr", 1e-4)));
  CHECK(search::search_space{}.contains(search::configuration{}));
}

TEST_CASE("a space refuses what cannot be drawn from")
{
  const auto refuses = [](search::dimension d, const char* why) {
    CHECK_THROWS_WITH_AS((void)search::search_space{std::vector<search::dimension>{std::move(d)}},
                         why, std::invalid_argument);
  };
  refuses({"", search::real_interval{}}, "rolewise: search_space: a dimension has no name");
  refuses({"x", search::real_interval{1.0, 0.0}},
          "rolewise: search_space: 'x' wants finite low <= high, got 1 and 0");
  refuses({"x", search::real_interval{0.0, std::numeric_limits<double>::infinity()}},
          "rolewise: search_space: 'x' wants finite low <= high, got 0 and inf");
  refuses({"x", search::real_interval{0.0, 1.0, search::spacing::logarithmic}},
          "rolewise: search_space: 'x' is logarithmic and wants low > 0, got 0");
  refuses({"x", search::integer_interval{2, 1}},
          "rolewise: search_space: 'x' wants low <= high, got 2 and 1");
  refuses({"x", search::integer_interval{0, std::int64_t{1} << 32}},
          "rolewise: search_space: 'x' wants fewer than 2^32 integers, got 0 to 4294967296");
  refuses({"x", search::choice_of{}}, "rolewise: search_space: 'x' has nothing to choose from");
  refuses({"x", search::choice_of{{"a", "b", "a"}}}, "rolewise: search_space: 'x' names 'a' twice");
  CHECK_THROWS_WITH_AS(
      (search::search_space{{"x", search::real_interval{}}, {"x", search::integer_interval{}}}),
      "rolewise: search_space: two dimensions are named 'x'", std::invalid_argument);
  constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
  CHECK_THROWS_AS((search::search_space{{"x", search::integer_interval{lowest, 0}}}),
                  std::invalid_argument);
  CHECK(search::search_space{{"x", search::integer_interval{lowest, lowest + 1}}}
            .sample(seed{})
            .integer("x") <= lowest + 1);
}

TEST_CASE("random_search keeps the promises of SearchStrategy")
{
  laws::hold_for(search::random_search{}, mixed);
  laws::hold_for(search::random_search{}, search::search_space{});
}

TEST_CASE("random_search starts every trial once, each elsewhere, independent of the others")
{
  const seed key{11};
  const auto decisions = search::random_search{}(mixed, waiting(20), key);
  REQUIRE(decisions.size() == 20);
  std::set<double> rates;
  for (const auto& d : decisions) rates.insert(std::get<search::start_trial>(d).at.real("lr"));
  CHECK(rates.size() == 20);

  const auto alone = search::random_search{}(mixed, {{.trial = 7}}, key);
  REQUIRE(alone.size() == 1);
  CHECK((alone[0] == decisions[7]));
  CHECK_FALSE((search::random_search{}(mixed, waiting(20), seed{12}) == decisions));

  search::trial_state running{.trial = 7, .epoch = 3, .score = 0.5, .at = mixed.sample(seed{1})};
  CHECK((search::random_search{}(mixed, {running}, key) ==
         std::vector<search::decision>{search::keep_trial{7}}));
  running.finished = true;
  CHECK(search::random_search{}(mixed, {running}, key).empty());
}

TEST_CASE("grid keeps the promises of SearchStrategy")
{
  laws::hold_for(search::grid{}, mixed);
  laws::hold_for(search::grid{.steps = 1},
                 search::search_space{{"bits", search::integer_interval{1, 4}}});
  laws::hold_for(search::grid{}, search::search_space{});
}

TEST_CASE("grid visits every combination once, ends of intervals included")
{
  const search::search_space space{
      {"lr", search::real_interval{0.01, 1.0, search::spacing::logarithmic}},
      {"bits", search::integer_interval{1, 2}},
      {"depth", search::integer_interval{0, 100}},
      {"agent", search::choice_of{{"none", "policy"}}}};
  const search::grid strategy{.steps = 3};
  REQUIRE(strategy.configurations(space) == 3 * 2 * 3 * 2);

  std::set<std::vector<std::string>> seen;
  for (const auto& d : strategy(space, waiting(36), seed{})) {
    const auto& p = std::get<search::start_trial>(d).at;
    CHECK(space.contains(p));
    seen.insert({std::to_string(p.real("lr")), std::to_string(p.integer("bits")),
                 std::to_string(p.integer("depth")), p.choice("agent")});
  }
  CHECK(seen.size() == 36);
  CHECK(seen.count({"0.010000", "1", "0", "none"}) == 1);
  CHECK(seen.count({"0.100000", "2", "50", "policy"}) == 1);
  CHECK(seen.count({"1.000000", "2", "100", "policy"}) == 1);

  CHECK(strategy.at(space, 1).real("lr") == doctest::Approx(0.1));
  CHECK(strategy.at(space, 1).integer("bits") == 1);
  CHECK(strategy.at(space, 3).integer("bits") == 2);
  CHECK(search::grid{.steps = 1}.at(space, 0).real("lr") == doctest::Approx(0.1));
  CHECK(search::grid{.steps = 1}.at(space, 0).integer("depth") == 50);

  const auto too_many = strategy(space, waiting(38), seed{});
  CHECK((too_many[36] == search::decision{search::stop_trial{36}}));
  CHECK((too_many[37] == search::decision{search::stop_trial{37}}));
}

TEST_CASE("grid refuses what it cannot count")
{
  CHECK_THROWS_WITH_AS((void)search::grid{.steps = 0}.configurations(mixed),
                       "rolewise: grid: want steps >= 1, got 0", std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)search::grid{}.at({{"x", search::real_interval{}}}, 3),
                       "rolewise: grid: has the configurations 0 .. 2, was asked for 3",
                       std::invalid_argument);
  std::vector<search::dimension> many;
  for (int i = 0; i < 41; ++i) many.push_back({"x" + std::to_string(i), search::real_interval{}});
  CHECK_THROWS_WITH_AS((void)search::grid{}.configurations(search::search_space{many}),
                       "rolewise: grid: has more configurations than a 64-bit integer counts",
                       std::invalid_argument);
}

TEST_CASE("a decision names the trial that it changes")
{
  CHECK(trial_of(search::keep_trial{1}) == 1);
  CHECK(trial_of(search::stop_trial{2}) == 2);
  CHECK(trial_of(search::start_trial{3, {}}) == 3);
  CHECK(trial_of(search::exploit_trial{.from = 4, .to = 5, .at = {}}) == 5);
}
