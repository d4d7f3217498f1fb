// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/tally.hpp"

#include <rolewise/agent/auto_augment.hpp>
#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/policy/auto_augment_policies.hpp>
#include <rolewise/policy/policy_text.hpp>
#include <rolewise/search/grid.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/sub_policy_space.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace rw = rolewise;
namespace policies = rolewise::auto_augment_policies;
using rw::operation;
using rw::tests::tally;

namespace {

std::string refusal(const std::function<void()>& f)
{
  try {
    f();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

/// The configurations at which a random search starts its trials.
std::vector<rw::search::configuration> started(const rw::search::search_space& space,
                                               std::int64_t trials)
{
  std::vector<rw::search::trial_state> waiting;
  for (std::int64_t t = 0; t < trials; ++t) waiting.push_back({.trial = t});
  std::vector<rw::search::configuration> configurations;
  for (const auto& made : rw::search::random_search{}(space, waiting, rw::seed{3}))
    configurations.push_back(std::get<rw::search::start_trial>(made).at);
  return configurations;
}

/// Whether the values of every dimension are equally likely at the configurations.
bool all_uniform(const rw::search::search_space& space,
                 const std::vector<rw::search::configuration>& configurations)
{
  for (const auto& d : space.dimensions()) {
    tally found;
    if (const auto* of = std::get_if<rw::search::integer_interval>(&d.range)) {
      const auto count = of->high - of->low + 1;
      for (auto i = of->low; i <= of->high; ++i)
        found.expect(std::to_string(i), 1.0 / static_cast<double>(count));
      for (const auto& p : configurations) found.count(std::to_string(p.integer(d.name)));
    } else {
      const auto& names = std::get<rw::search::choice_of>(d.range).names;
      for (const auto& name : names) found.expect(name, 1.0 / static_cast<double>(names.size()));
      for (const auto& p : configurations) found.count(p.choice(d.name));
    }
    CAPTURE(d.name);
    CHECK(found.fits());
    if (!found.fits()) return false;
  }
  return true;
}

rw::augmentation_policy some_policy()
{
  std::vector<std::int64_t> levels;
  for (std::int64_t i = 0; i < 60; ++i) levels.push_back((7 * i + 3) % (i % 2 == 0 ? 11 : 10));
  return rw::augmentation_policy{levels};
}

constexpr std::int64_t trials = 3000;

}  // namespace

TEST_CASE("the space of a policy has its 60 levels by name, in the order of a policy vector")
{
  const auto space = rw::search::policy_space();
  const auto& all = space.dimensions();
  REQUIRE(all.size() == 60);
  CHECK(all[0] ==
        rw::search::dimension{"Rotate.1.probability", rw::search::integer_interval{0, 10}});
  CHECK(all[1] == rw::search::dimension{"Rotate.1.magnitude", rw::search::integer_interval{0, 9}});
  CHECK(all[2].name == "TranslateX.1.probability");
  CHECK(all[30] ==
        rw::search::dimension{"Rotate.2.probability", rw::search::integer_interval{0, 10}});
  CHECK(all[59] ==
        rw::search::dimension{"Contrast.2.magnitude", rw::search::integer_interval{0, 9}});
}

TEST_CASE("policies convert to configurations and back")
{
  const auto space = rw::search::policy_space();
  for (const auto& policy : {rw::augmentation_policy{}, some_policy()}) {
    const auto p = rw::search::configuration_of(policy);
    CHECK(space.contains(p));
    CHECK(rw::search::policy_at(p) == policy);
  }
  const auto p = rw::search::configuration_of(some_policy());
  CHECK(p.integer("Rotate.1.probability") == some_policy().probability(0));
  CHECK(p.integer("Contrast.2.magnitude") == some_policy().magnitude(29));
  for (const auto& drawn : started(space, 50))
    CHECK(rw::search::configuration_of(rw::search::policy_at(drawn)) == drawn);
}

TEST_CASE("random search over the space of policies gives policies, all levels equally likely")
{
  const auto space = rw::search::policy_space();
  const auto configurations = started(space, trials);
  REQUIRE(configurations.size() == trials);
  std::vector<tally> levels(60);
  for (std::size_t i = 0; i < 60; ++i)
    for (int level = 0; level < (i % 2 == 0 ? 11 : 10); ++level)
      levels[i].expect(std::to_string(level), i % 2 == 0 ? 1.0 / 11.0 : 0.1);
  for (const auto& p : configurations) {
    const auto policy = rw::search::policy_at(p);
    for (std::size_t i = 0; i < 60; ++i) levels[i].count(std::to_string(policy.levels()[i]));
  }
  for (const auto& of : levels) CHECK(of.fits());
  CHECK(all_uniform(space, configurations));

  // Two levels are drawn independently.
  tally both;
  for (int first = 0; first < 11; ++first)
    for (int second = 0; second < 11; ++second)
      both.expect(std::to_string(first) + " " + std::to_string(second), 1.0 / 121.0);
  for (const auto& p : configurations)
    both.count(std::to_string(p.integer("Rotate.1.probability")) + " " +
               std::to_string(p.integer("Rotate.2.probability")));
  CHECK(both.fits());
}

TEST_CASE("a policy that was drawn is followed, written and read")
{
  // [points]
  const auto space = rw::search::policy_space("student.");  // student.Rotate.1.probability, ...
  const auto drawn = space.sample(rw::seed{8});             // or what a strategy proposes
  const rw::policy_agent agent{.policy = rw::search::policy_at(drawn, "student.")};
  const auto text = rw::json_text(rw::search::policy_at(drawn, "student."));
  const auto again = rw::search::configuration_of(rw::parse_policy(text), "student.");
  // [/points]
  CHECK(again == drawn);
  const auto ids = torch::arange(2);
  const rw::batch images{torch::zeros({2, 1, 4, 4}, torch::kByte), ids, ids, {}};
  CHECK(agent(images, {}, rw::seed{1}).inputs.sizes() == images.inputs.sizes());
}

TEST_CASE("each role has a policy in one space")
{
  std::vector<rw::search::dimension> dimensions{{"rate", rw::search::real_interval{0.01, 0.1}}};
  for (const char* role : {"teacher.", "student."}) {
    const auto of_role = rw::search::policy_space(role);
    dimensions.insert(dimensions.end(), of_role.dimensions().begin(), of_role.dimensions().end());
  }
  const rw::search::search_space space{dimensions};
  CHECK(space.dimensions().size() == 121);
  const auto p = space.sample(rw::seed{8});
  const auto of_teacher = rw::search::policy_at(p, "teacher."),
             of_student = rw::search::policy_at(p, "student.");
  CHECK_FALSE(of_teacher == of_student);
  CHECK(of_student.probability(0) == p.integer("student.Rotate.1.probability"));
  CHECK(rw::search::policy_space("student.")
            .contains(rw::search::configuration_of(of_student, "student.")));
}

TEST_CASE("a configuration that is no policy is refused with the reason")
{
  const auto fine = rw::search::configuration_of(some_policy());
  const auto with = [&](const char* name, rw::search::configuration::value x) {
    auto p = fine;
    p.set(name, std::move(x));
    return refusal([&] { (void)rw::search::policy_at(p); });
  };
  CHECK(with("something.else", 1.0) == "accepted");
  CHECK(with("Rotate.2.probability", std::int64_t{11}) ==
        "rolewise: policy_at: 'Rotate.2.probability' is 11, want 0 .. 10");
  CHECK(with("Rotate.2.magnitude", std::int64_t{10}) ==
        "rolewise: policy_at: 'Rotate.2.magnitude' is 10, want 0 .. 9");
  CHECK(with("Invert.1.magnitude", std::int64_t{-1}) ==
        "rolewise: policy_at: 'Invert.1.magnitude' is -1, want 0 .. 9");
  CHECK(with("Color.1.probability", 3.0) ==
        "rolewise: policy_at: 'Color.1.probability' is no integer, want 0 .. 10");
  CHECK(refusal([] { (void)rw::search::policy_at({}); }) ==
        "rolewise: policy_at: the configuration has no 'Rotate.1.probability', want an integer 0 "
        ".. 10");
  CHECK(refusal([&] { (void)rw::search::policy_at(fine, "student."); }) ==
        "rolewise: policy_at: the configuration has no 'student.Rotate.1.probability', want an "
        "integer 0 .. 10");
}

TEST_CASE("AutoAugment's policies convert to configurations and back")
{
  const auto space = rw::search::sub_policy_space(25);
  CHECK(space.dimensions().size() == 25 * 6);
  CHECK(space.dimensions()[0].name == "0.first.operation");
  CHECK(space.dimensions()[9] ==
        rw::search::dimension{"1.second.operation", rw::search::detail::any_operation()});
  CHECK(space.dimensions()[10] ==
        rw::search::dimension{"1.second.probability", rw::search::integer_interval{0, 10}});
  CHECK(space.dimensions()[149] ==
        rw::search::dimension{"24.second.magnitude", rw::search::integer_interval{0, 9}});
  for (const auto& policy : {policies::cifar10(), policies::imagenet(), policies::svhn()}) {
    const auto p = rw::search::configuration_of(policy);
    CHECK(space.contains(p));
    CHECK(rw::search::sub_policies_at(p, 25) == policy);
    CHECK(rw::search::sub_policies_at(rw::search::configuration_of(policy, "student."), 25,
                                      "student.") == policy);
  }
  CHECK(rw::search::configuration_of(policies::cifar10()).choice("1.second.operation") ==
        "TranslateX");
}

TEST_CASE("random search over the space of sub-policies gives policies that an agent follows")
{
  const auto space = rw::search::sub_policy_space();
  CHECK(space.dimensions().size() == 30);
  const auto configurations = started(space, trials);
  CHECK(all_uniform(space, configurations));
  const auto ids = torch::arange(6);
  const rw::batch images{
      torch::randint(0, 256, {6, 3, 9, 7}, torch::kLong).to(torch::kByte), ids, ids, {}};
  for (std::size_t i = 0; i < 40; ++i) {
    const auto policy = rw::search::sub_policies_at(configurations[i]);
    CHECK(policy.size() == 5);
    CHECK(rw::search::configuration_of(policy) == configurations[i]);
    const rw::auto_augment agent{.policy = policy};
    CHECK(agent(images, {}, rw::seed{i}).inputs.sizes() == images.inputs.sizes());
  }
}

TEST_CASE("a configuration that is no list of sub-policies is refused with the reason")
{
  const auto fine = rw::search::configuration_of(policies::svhn());
  const auto with = [&](const char* name, rw::search::configuration::value x) {
    auto p = fine;
    p.set(name, std::move(x));
    return refusal([&] { (void)rw::search::sub_policies_at(p, 25); });
  };
  CHECK(with("3.first.magnitude", std::int64_t{9}) == "accepted");
  CHECK(with("3.first.operation", std::string{"Solarie"}) ==
        "rolewise: sub_policies_at: '3.first.operation' is 'Solarie', no operation of a policy; "
        "the nearest is 'Solarize'");
  CHECK(with("3.first.operation", std::int64_t{3}) ==
        "rolewise: sub_policies_at: '3.first.operation' is a number, want the name of an "
        "operation");
  CHECK(with("24.second.probability", std::int64_t{11}) ==
        "rolewise: sub_policies_at: '24.second.probability' is 11, want 0 .. 10");
  CHECK(refusal([&] { (void)rw::search::sub_policies_at(fine, 26); }) ==
        "rolewise: sub_policies_at: the configuration has no '25.first.operation', want the name "
        "of an operation");
  CHECK(refusal([&] { (void)rw::search::sub_policies_at(fine, 0); }) ==
        "rolewise: sub_policies_at: want at least one sub-policy, got 0");
  CHECK(refusal([] { (void)rw::search::sub_policy_space(-1); }) ==
        "rolewise: sub_policy_space: want at least one sub-policy, got -1");
  CHECK(refusal([] { (void)rw::search::configuration_of(std::vector<rw::sub_policy>{}); }) ==
        "rolewise: configuration_of: got no sub-policy, want at least one");
  CHECK(refusal([] { (void)rw::search::configuration_of(std::vector<rw::sub_policy>(1)); }) ==
        "rolewise: configuration_of: sub-policy 0 has the operation Identity, which the space "
        "lacks; any "
        "other at probability 0 does nothing either");
  CHECK(refusal([] {
          (void)rw::search::configuration_of(
              std::vector<rw::sub_policy>{{{operation::color, 3, 10}, {}}});
        }) ==
        "rolewise: configuration_of: magnitude level of Color in sub-policy 0 is 10, want 0 .. 9");
}

TEST_CASE("agents of few numbers are built from configurations directly")
{
  // [numbers]
  const rw::search::search_space space{{"operations", rw::search::integer_interval{1, 3}},
                                       {"magnitude", rw::search::integer_interval{0, 10}}};
  const auto agent_at = [](const rw::search::configuration& p) {
    return rw::rand_augment{.operations = p.integer("operations"),
                            .magnitude = p.integer("magnitude")};
  };
  // [/numbers]
  const rw::search::grid grid{.steps = 11};
  REQUIRE(grid.configurations(space) == 33);
  const auto ids = torch::arange(3);
  const rw::batch images{torch::zeros({3, 1, 4, 4}, torch::kByte), ids, ids, {}};
  for (std::int64_t i = 0; i < 33; ++i) {
    const auto agent = agent_at(grid.at(space, i));
    CHECK(agent.operations == 1 + i % 3);
    CHECK(agent.magnitude == i / 3);
    CHECK(agent(images, {}, rw::seed{1}).inputs.sizes() == images.inputs.sizes());
  }
}
