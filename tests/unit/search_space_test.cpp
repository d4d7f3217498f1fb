// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/tally.hpp"

#include <rolewise/core/draws.hpp>
#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/search/configuration_text.hpp>
#include <rolewise/search/explore.hpp>
#include <rolewise/search/inside.hpp>
#include <rolewise/search/joined.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/ready_spaces.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/search/space_text.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

using namespace rolewise;
using rolewise::tests::tally;

namespace {

const search::search_space mixed{
    {"lr", search::real_interval{1e-4, 1e-1, search::spacing::logarithmic}},
    {"momentum", search::real_interval{-1.0, 1.0}},
    {"bits", search::integer_interval{1, 8}},
    {"agent", search::choice_of{{"none", "policy", "random"}}}};

search::configuration some_configuration()
{
  return search::configuration{}
      .set("lr", 0.01)
      .set("momentum", 0.5)
      .set("bits", std::int64_t{2})
      .set("agent", std::string{"none"});
}

template<typename Error>
std::string words_of(const std::function<void()>& f)
{
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}
std::string refusal(const std::function<void()>& f) { return words_of<std::invalid_argument>(f); }
std::string complaint(const std::function<void()>& f) { return words_of<std::runtime_error>(f); }

}  // namespace

TEST_CASE("a configuration outside the space is refused with the name of the dimension")
{
  CHECK(search::objection_to(mixed, some_configuration()).empty());
  const auto with = [](const char* name, search::configuration::value x) {
    return search::objection_to(mixed, some_configuration().set(name, std::move(x)));
  };
  CHECK(with("lr", 1.0) == "'lr' is the real 1, want a real 0.0001 .. 0.1");
  CHECK(with("lr", std::int64_t{1}) == "'lr' is the integer 1, want a real 0.0001 .. 0.1");
  CHECK(with("momentum", std::nan("")) == "'momentum' is the real nan, want a real -1 .. 1");
  CHECK(with("bits", std::int64_t{9}) == "'bits' is the integer 9, want an integer 1 .. 8");
  CHECK(with("agent", std::string{"other"}) ==
        "'agent' is 'other', want one of none, policy, random");
  CHECK(with("momentums", 0.0) ==
        "has 'momentums', which the space does not; the nearest is momentum, agent or bits");
  CHECK(search::objection_to(mixed, {}) == "has no 'lr', want a real 0.0001 .. 0.1");
  CHECK(search::objection_to(search::search_space{}, search::configuration{}.set("x", 1.0)) ==
        "has 'x', which the space does not; the space is empty");
  CHECK(refusal([] { search::require_inside("somebody", mixed, {}); }) ==
        "rolewise: somebody: the configuration has no 'lr', want a real 0.0001 .. 0.1");
  CHECK(refusal([] { search::require_dimensions("somebody", search::search_space{}); }) ==
        "rolewise: somebody: the space has no dimension, want at least one to search");
}

TEST_CASE("clamping takes numbers to the nearest of their range and refuses what has none")
{
  CHECK(clamped(mixed, some_configuration()) == some_configuration());
  auto outside = search::configuration{}
                     .set("bits", std::int64_t{-3})
                     .set("agent", std::string{"policy"})
                     .set("momentum", 7.0)
                     .set("lr", 0.0);
  const auto inside = clamped(mixed, outside);
  CHECK(mixed.contains(inside));
  CHECK(inside.values().front().first == "lr");
  CHECK(inside.real("lr") == 1e-4);
  CHECK(inside.real("momentum") == 1.0);
  CHECK(inside.integer("bits") == 1);
  CHECK(clamped(mixed, outside.set("bits", std::int64_t{100})).integer("bits") == 8);
  CHECK(refusal([&] { (void)clamped(mixed, outside.set("momentum", std::nan(""))); }) ==
        "rolewise: clamped: the configuration 'momentum' is the real nan, want a real -1 .. 1");
  CHECK(
      refusal([] { (void)clamped(mixed, some_configuration().set("agent", std::string{"x"})); }) ==
      "rolewise: clamped: the configuration 'agent' is 'x', want one of none, policy, random");
  CHECK(
      refusal([] {
        (void)clamped(mixed, some_configuration().set("more", 0.0));
      }).starts_with("rolewise: clamped: the configuration has 'more', which the space does not"));
  CHECK(refusal([] { (void)clamped(mixed, {}); }) ==
        "rolewise: clamped: the configuration has no 'lr', want a real 0.0001 .. 0.1");
}

TEST_CASE("exploring stays in the space, depends on names alone, and moves as it says")
{
  const auto from = some_configuration();
  constexpr int count = 20000;
  tally rates, agents, bits;
  int lower = 0, far = 0;
  rates.expect("anew", 0.2);
  rates.expect("raised", 0.4);
  rates.expect("lowered", 0.4);
  for (const auto* name : {"policy", "random"}) agents.expect(name, 0.2 / 3.0);
  agents.expect("none", 0.8 + 0.2 / 3.0);
  for (const auto& [value, share] :
       std::vector<std::pair<int, double>>{{1, 0.3}, {2, 0.2}, {3, 0.1}, {4, 0.1}, {5, 0.1}})
    bits.expect(std::to_string(value), 0.025 + share);
  for (int value = 6; value <= 8; ++value) bits.expect(std::to_string(value), 0.025);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto near = explore(mixed, from, seed{3}.split(i));
    REQUIRE(mixed.contains(near));
    const auto rate = near.real("lr");
    rates.count(rate == 0.01 * 1.2 ? "raised" : rate == 0.01 * 0.8 ? "lowered" : "anew");
    agents.count(near.choice("agent"));
    bits.count(std::to_string(near.integer("bits")));
    const auto step = near.real("momentum") - 0.5;
    lower += step < 0.0 ? 1 : 0;
    far += std::abs(step) >= 0.6 ? 1 : 0;
  }
  CHECK(rates.fits());
  CHECK(agents.fits());
  CHECK(bits.fits());
  // Resampled in [-1, 1): 3/4 lie below 0.5, 9/20 at a distance above 0.6; else half of the steps
  // go down.
  CHECK(lower / double{count} == doctest::Approx(0.2 * 0.75 + 0.8 * 0.5).epsilon(0.03).scale(0));
  CHECK(far / double{count} == doctest::Approx(0.2 * 0.45).epsilon(0.08).scale(0));

  const seed key{4};
  const search::search_space fewer{{"bits", search::integer_interval{1, 8}}};
  for (std::uint64_t i = 0; i < 50; ++i)
    CHECK(explore(fewer, search::configuration{}.set("bits", std::int64_t{2}), key.split(i))
              .integer("bits") == explore(mixed, from, key.split(i)).integer("bits"));
  const search::configuration turned = search::configuration{}
                                           .set("agent", std::string{"none"})
                                           .set("bits", std::int64_t{2})
                                           .set("momentum", 0.5)
                                           .set("lr", 0.01);
  CHECK(explore(mixed, turned, key) == explore(mixed, from, key));
}

TEST_CASE("exploring can be told how, and refuses what it cannot do")
{
  const search::exploration anew{.resample = fraction{1.0}};
  const search::exploration still{.resample = fraction{0.0},
                                  .longest_step = 0,
                                  .longest_share = fraction{0.0},
                                  .raised = 1.0,
                                  .lowered = 1.0};
  for (std::uint64_t i = 0; i < 20; ++i) {
    CHECK(explore(mixed, some_configuration(), seed{i}, anew) == mixed.sample(seed{i}));
    CHECK(explore(mixed, some_configuration(), seed{i}, still) == some_configuration());
  }
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  const search::search_space edges{{"x", search::integer_interval{most - 1, most}},
                                   {"y", search::integer_interval{-most, -most + 1}},
                                   {"z", search::real_interval{-1e308, 1e308}}};
  search::configuration at = search::configuration{}.set("x", most).set("y", -most).set("z", 1e308);
  for (std::uint64_t i = 0; i < 200; ++i) {
    at = explore(edges, at, seed{i}, {.longest_share = fraction{1.0}});
    CHECK(edges.contains(at));
  }
  const auto refuses = [](const search::exploration& how) {
    return refusal([&] { (void)explore(mixed, some_configuration(), seed{1}, how); });
  };
  CHECK(refuses({.longest_step = -1}) ==
        "rolewise: explore: longest_step is -1, want 0 .. 2^32 - 2");
  CHECK(refuses({.longest_step = 4294967295}) ==
        "rolewise: explore: longest_step is 4294967295, want 0 .. 2^32 - 2");
  CHECK(refuses({.lowered = 0.0}) ==
        "rolewise: explore: want factors above 0, got raised 1.2 and lowered 0");
  CHECK(refusal([] { (void)explore(mixed, {}, seed{1}); }) ==
        "rolewise: explore: the configuration has no 'lr', want a real 0.0001 .. 0.1");
}

TEST_CASE("spaces multiply, and prefixes keep names apart")
{
  // [joined]
  const auto role = joined(search::policy_space(), search::learning_rate_space());
  const auto space =
      joined(prefixed("teacher.", role), prefixed("student.", role), search::temperature_space(),
             search::loss_weight_space({"task", "distillation"}));
  const auto drawn = space.sample(seed{8});
  const auto rate = drawn.real("student.learning_rate");
  const auto policy = search::policy_at(drawn, "student.");
  const auto of_student = part_of(drawn, "student.");  // a configuration of `role`
  // [/joined]
  CHECK(space.dimensions().size() == 2 * 61 + 3);
  CHECK(role.contains(of_student));
  CHECK(of_student.real("learning_rate") == rate);
  CHECK(search::policy_at(of_student) == policy);
  CHECK(part_of(prefixed("student.", of_student), "student.") == of_student);
  CHECK(drawn.real("weight.distillation") > 0.0);
  CHECK(space.dimensions()[122] ==
        search::dimension{"temperature",
                          search::real_interval{1.0, 20.0, search::spacing::logarithmic}});
  const auto again =
      joined(prefixed("teacher.", part_of(drawn, "teacher.")), prefixed("student.", of_student),
             part_of(prefixed("a.", some_configuration()), "a."));
  CHECK(again.values().size() == 122 + 4);
  CHECK(again.real("lr") == 0.01);

  CHECK(refusal([&] { (void)joined(role, search::learning_rate_space()); }) ==
        "rolewise: search_space: two dimensions are named 'learning_rate'");
  CHECK(refusal([] { (void)joined(some_configuration(), some_configuration()); }) ==
        "rolewise: joined: two configurations have a value named 'lr'");
  CHECK(refusal([] { (void)search::learning_rate_space(0.0); }) ==
        "rolewise: search_space: 'learning_rate' is logarithmic and wants low > 0, got 0");
  CHECK(joined(mixed) == mixed);
}

TEST_CASE("the text of a configuration is one readable line")
{
  CHECK(text(some_configuration()) == "lr 0.01, momentum 0.5, bits 2, agent none");
  CHECK(text(search::configuration{}) == "nothing");
  CHECK(text(search::configuration{}.set("x", 1.0 / 3.0)) == "x 0.333333");
  std::vector<std::int64_t> levels(60);
  levels[0] = 3;
  levels[1] = 5;
  levels[10] = 10;
  const augmentation_policy policy{levels};
  CHECK(text(search::configuration_of(policy)) == "{Rotate 0.3@5, Invert 1.0@0}");
  CHECK(text(joined(search::configuration{}.set("rate", 0.5),
                    search::configuration_of(policy, "student."),
                    search::configuration_of(augmentation_policy{}, "teacher."),
                    search::configuration{}.set("z", 1.0))) ==
        "rate 0.5, student.{Rotate 0.3@5, Invert 1.0@0}, teacher.{nothing}, z 1");
  // A level alone is printed like any other value.
  CHECK(text(search::configuration{}.set("Rotate.1.probability", std::int64_t{3})) ==
        "Rotate.1.probability 3");
}

TEST_CASE("configurations survive JSON with their bits, kinds and order")
{
  const auto keeps = [](const search::configuration& p) {
    const auto line = json_text(p);
    CHECK(search::parse_configuration(line) == p);
    CHECK(line.find('\n') == std::string::npos);
    return line;
  };
  CHECK(keeps(some_configuration()) ==
        R"({"lr": 0.01, "momentum": 0.5, "bits": 2, "agent": "none"})");
  CHECK(keeps({}) == "{}");
  search::configuration odd;
  odd.set("third", 1.0 / 3.0)
      .set("whole", 2.0)
      .set("large", 1e300)
      .set("round", 1e22)
      .set("tiny", std::numeric_limits<double>::denorm_min())
      .set("most", std::numeric_limits<std::int64_t>::max())
      .set("least", std::numeric_limits<std::int64_t>::min())
      .set("a \"b\"\n\\", std::string{"\x01 \xC3\xA4 \"quoted\"\t"});
  const auto tree = nlohmann::json::parse(keeps(odd));
  CHECK(tree["third"] == 1.0 / 3.0);
  CHECK(tree["a \"b\"\n\\"] == "\x01 \xC3\xA4 \"quoted\"\t");
  const auto zero =
      search::parse_configuration(json_text(search::configuration{}.set("x", -0.0))).real("x");
  CHECK(std::signbit(zero));
  for (std::uint64_t i = 0; i < 200; ++i) keeps(mixed.sample(seed{i}));
  keeps(search::configuration_of(augmentation_policy{}, "student."));

  CHECK(refusal([] { (void)json_text(search::configuration{}.set("x", std::nan(""))); }) ==
        "rolewise: configuration: 'x' is nan, which JSON has no word for");
  const auto says = [](const char* words) {
    return complaint([&] { (void)search::parse_configuration(words, "best.json"); });
  };
  CHECK(says("{\"x\" 1}") == "rolewise: best.json: is not JSON: at byte 5: want ':'");
  CHECK(says("[1]") ==
        "rolewise: best.json: is no configuration: wants an object and has something else");
  CHECK(says("{\"x\": 1, \"x\": 2}") == "rolewise: best.json: is no configuration: has 'x' twice");
  CHECK(says("{\"x\": null}") ==
        "rolewise: best.json: is no configuration: 'x' wants a number and has something else");
  CHECK(
      says("{\"x\": 9223372036854775808}") ==
      "rolewise: best.json: is no configuration: 'x' the number 9223372036854775808 does not fit");
}

TEST_CASE("a configuration is read for a space, in its order, and must lie in it")
{
  // [read]
  const search::search_space space{
      {"lr", search::real_interval{0.1, 10.0, search::spacing::logarithmic}},
      {"bits", search::integer_interval{1, 8}}};
  const auto p = search::parse_configuration(R"({"bits": 4, "lr": 1})", space, "best.json");
  // [/read]
  CHECK(p == search::configuration{}.set("lr", 1.0).set("bits", std::int64_t{4}));
  const auto says = [&](const char* words) {
    return complaint([&] { (void)search::parse_configuration(words, space, "best.json"); });
  };
  CHECK(says(R"({"bits": 9, "lr": 1})") ==
        "rolewise: best.json: is no configuration of the space: 'bits' is the integer 9, want an "
        "integer 1 .. 8");
  CHECK(says(R"({"bits": 4.0, "lr": 1})") ==
        "rolewise: best.json: is no configuration of the space: 'bits' is the real 4, want an "
        "integer 1 .. 8");
  CHECK(
      says(R"({"bits": 4})") ==
      "rolewise: best.json: is no configuration of the space: has no 'lr', want a real 0.1 .. 10");
  CHECK(
      says(R"({"bits": 4, "lr": 1, "bit": 1})")
          .starts_with("rolewise: best.json: is no configuration of the space: has 'bit', which"));
}

TEST_CASE("spaces survive JSON, and what is wrong with one is said")
{
  CHECK(json_text(mixed) == R"({
  "rolewise": "search-space",
  "version": 1,
  "dimensions": [
    {"name": "lr", "real": [1e-04, 0.1], "spacing": "logarithmic"},
    {"name": "momentum", "real": [-1.0, 1.0], "spacing": "linear"},
    {"name": "bits", "integer": [1, 8]},
    {"name": "agent", "choice": ["none", "policy", "random"]}
  ]
}
)");
  for (const auto& space : {mixed, search::search_space{}, search::policy_space("student."),
                            search::temperature_space()})
    CHECK(search::parse_space(json_text(space)) == space);
  const auto path =
      (std::filesystem::temp_directory_path() / ("rolewise-space-" + std::to_string(::getpid())))
          .string();
  search::write_space(path, mixed);
  CHECK(search::read_space(path) == mixed);
  std::remove(path.c_str());

  const auto says = [](const std::string& of_dimension) {
    return complaint([&] {
      (void)search::parse_space(
          R"({"rolewise": "search-space", "version": 1, "dimensions": [)" + of_dimension + "]}",
          "s.json");
    });
  };
  const std::string fine = R"({"name": "x", "integer": [1, 2]})";
  const std::string wrong = "rolewise: s.json: is no search space: ";
  CHECK(says(fine) == "accepted");
  CHECK(says(fine + ", " + fine) == wrong + "search_space: two dimensions are named 'x'");
  CHECK(says(fine + R"(, {"real": [0, 1]})") == wrong + "dimension 1: has no 'name'");
  CHECK(says(R"({"name": "x", "reel": [0, 1]})") ==
        wrong + "dimension 0 ('x'): has no 'real', 'integer' or 'choice'");
  CHECK(says(R"({"name": "x", "integer": [1.5, 2]})") ==
        wrong + "dimension 0 ('x'): the number 1.5 does not fit");
  CHECK(says(R"({"name": "x", "integer": [1, 2, 3]})") ==
        wrong + "dimension 0 ('x'): wants two ends of an interval");
  CHECK(says(R"({"name": "x", "integer": [1, 2], "step": 1})") ==
        wrong + "dimension 0 ('x'): has 'step', want name, integer");
  CHECK(says(R"({"name": "x", "name": "x", "integer": [1, 2]})") ==
        wrong + "dimension 0 ('x'): has 'name' twice");
  CHECK(says(R"({"name": "x", "real": [1, 2]})") == wrong + "dimension 0 ('x'): has no 'spacing'");
  CHECK(says(R"({"name": "x", "real": [1, 2], "spacing": "log"})") ==
        wrong + "dimension 0 ('x'): has the spacing 'log', want linear or logarithmic");
  CHECK(says(R"({"name": "x", "real": [2, 1], "spacing": "linear"})") ==
        wrong + "search_space: 'x' wants finite low <= high, got 2 and 1");
  CHECK(says(R"({"name": "x", "choice": ["a", 1]})") ==
        wrong + "dimension 0 ('x'): wants a string and has something else");
  CHECK(complaint([] { (void)search::parse_space(R"({"rolewise": "policy"})"); }) ==
        "rolewise: space: is no search space: is a 'policy', want a 'search-space'");
  CHECK(complaint([] {
          (void)search::parse_space(R"({"rolewise": "search-space", "version": 2})");
        }) == "rolewise: space: is no search space: has version 2, want 1");
}

TEST_CASE("no bytes crash the readers, and what they accept round-trips")
{
  const std::vector<std::string> texts{
      json_text(mixed), json_text(some_configuration()), json_text(search::temperature_space()),
      json_text(search::configuration{}.set("x", 1e-300).set("y", 0.5))};
  constexpr std::string_view pieces = "[]{},:\"\\u019-.eE+ \n\0";
  int configurations = 0, spaces = 0;
  for (std::int64_t i = 0; i < 4000; ++i) {
    const draws of_mutant{seed{9}, 0, i};
    auto mutant = texts[static_cast<std::size_t>(of_mutant.below(0, 4))];
    for (std::uint64_t edit = 0; edit < 2; ++edit) {
      const auto where = static_cast<std::size_t>(
          of_mutant.below(3 * edit + 1, static_cast<std::int64_t>(mutant.size())));
      const auto what = pieces[static_cast<std::size_t>(
          of_mutant.below(3 * edit + 2, static_cast<std::int64_t>(pieces.size())))];
      if (of_mutant.coin(3 * edit + 3))
        mutant[where] = what;
      else
        mutant.erase(where, 1);
    }
    const auto failed = complaint([&] {
      const auto p = search::parse_configuration(mutant);
      ++configurations;
      CHECK(search::parse_configuration(json_text(p)) == p);
    });
    CHECK((failed == "accepted" || failed.starts_with("rolewise: configuration: ")));
    const auto failed_too = complaint([&] {
      const auto space = search::parse_space(mutant);
      ++spaces;
      CHECK(search::parse_space(json_text(space)) == space);
    });
    CHECK((failed_too == "accepted" || failed_too.starts_with("rolewise: space: ")));
  }
  CHECK(configurations > 100);
  CHECK(spaces > 50);
}
