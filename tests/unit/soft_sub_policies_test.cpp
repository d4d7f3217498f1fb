// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Soft sub-policies: the mean over operations against plain tensor operations, gradients and draws.
#include "support/doctest.hpp"

#include "support/noise_images.hpp"

#include <rolewise/agent/auto_augment.hpp>
#include <rolewise/agent/soft_sub_policies.hpp>
#include <rolewise/agent/straight_through.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/relaxed_bernoulli.hpp>
#include <rolewise/core/state.hpp>

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::noise_images;

constexpr training_progress third_epoch{.epoch = 3, .step = 0, .epochs = 4, .steps_per_epoch = 1};

void set(soft_sub_policies& policy, const std::string& which, const torch::Tensor& values)
{
  const torch::NoGradGuard without_graph;
  for_each_tensor(policy, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
    if (name == which) t.copy_(values.expand_as(t));
  });
}

[[nodiscard]] batch plain(std::int64_t count)
{
  auto examples = noise_images(count).examples();
  examples.normalization = {};
  return examples;
}

[[nodiscard]] torch::Tensor unit(const batch& examples)
{
  return examples.inputs.to(torch::kFloat) / 255.0;
}

/// The view as it is defined: each operation with its own graph.
[[nodiscard]] torch::Tensor by_definition(const soft_sub_policies& policy, const batch& examples,
                                          seed key)
{
  const auto count = static_cast<std::int64_t>(policy.operations().size());
  const auto uniform = [&](seed of, std::int64_t each) {
    return uniform_draws(of, third_epoch.epoch, examples.ids, each);
  };
  const auto choice = (uniform(key.split(purpose{"sub-policy"}), 1).squeeze(1) *
                       static_cast<double>(policy.options().sub_policies))
                          .floor()
                          .to(torch::kLong);
  auto x = unit(examples);
  for (std::int64_t slot = 0; slot < 2; ++slot) {
    const auto number = static_cast<std::uint64_t>(slot);
    const auto of = [&](const torch::Tensor& parameter) {
      return parameter.select(1, slot).index_select(0, choice);
    };
    const auto c = (of(policy.weights()) / 0.05).softmax(1);
    const auto g =
        relaxed_bernoulli(of(policy.probabilities()).logit(),
                          uniform(key.split(purpose{"gates"}).split(number), count), 0.1);
    const auto up = uniform(key.split(purpose{"signs"}).split(number), count).lt(0.5);
    auto sum = torch::zeros_like(x);
    for (std::int64_t k = 0; k < count; ++k) {
      const auto beside = [&](const torch::Tensor& of_images) {
        return of_images.select(1, k).view({-1, 1, 1, 1});
      };
      const auto result =
          straight_through_operation(x, policy.operations()[static_cast<std::size_t>(k)],
                                     of(policy.magnitudes()).select(1, k), up.select(1, k));
      sum = sum + beside(c) * (beside(g) * result + (1.0 - beside(g)) * x);
    }
    x = sum;
  }
  return x;
}

}  // namespace

TEST_CASE("soft sub-policies begin uniform, over all operations but cutout")
{
  const soft_sub_policies policy;
  CHECK(policy.operations().size() == 14);
  CHECK(std::find(policy.operations().begin(), policy.operations().end(), operation::cutout) ==
        policy.operations().end());
  for (const auto* each : {&policy.weights(), &policy.probabilities(), &policy.magnitudes()}) {
    CHECK(each->sizes() == at::IntArrayRef{10, 2, 14});
    CHECK(each->requires_grad());
    CHECK(each->min().item<double>() >= 0.0);
    CHECK(each->max().item<double>() < 1.0);
    CHECK(std::abs(each->mean().item<double>() - 0.5) < 0.06);
    CHECK(std::abs(each->std().item<double>() - std::sqrt(1.0 / 12.0)) < 0.03);
  }
  CHECK_FALSE(policy.weights().equal(policy.magnitudes()));
  CHECK_FALSE(policy.weights().equal(soft_sub_policies{{.seed = seed{1}}}.weights()));
}

TEST_CASE("soft sub-policies: views and gradients are those of the sum of all operations")
{
  const auto examples = plain(12);
  const soft_sub_policies policy{{.sub_policies = 3, .seed = seed{2}}};
  const auto found = policy(examples, third_epoch, seed{7}).inputs;
  const auto wanted = by_definition(policy, examples, seed{7});
  CHECK_FALSE(found.allclose(unit(examples), 1e-2, 1e-2));
  CHECK(found.allclose(wanted, 1e-5, 1e-6));
  torch::manual_seed(3);
  const auto upstream = torch::randn(found.sizes());
  const std::vector<torch::Tensor> learned{policy.weights(), policy.probabilities(),
                                           policy.magnitudes()};
  const auto ours = torch::autograd::grad({found}, learned, {upstream});
  const auto theirs = torch::autograd::grad({wanted}, learned, {upstream});
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CAPTURE(i);
    CHECK(theirs[i].abs().max().item<double>() > 1e-2);
    CHECK((ours[i] - theirs[i]).abs().max().item<double>() <
          1e-4 * theirs[i].abs().max().item<double>());
  }
}

TEST_CASE("soft sub-policies: nearly one operation is a sub-policy of auto_augment")
{
  const auto examples = plain(8);
  soft_sub_policies policy{{.sub_policies = 1}, {operation::posterize, operation::invert}};
  set(policy, "weights", torch::tensor({{{0.0F, 9.0F}, {9.0F, 0.0F}}}));
  set(policy, "probabilities", torch::full({1}, 1.0F));
  set(policy, "magnitudes", torch::full({1}, 0.7F));
  const auto found = policy.best();
  REQUIRE(found.size() == 1);
  CHECK(found[0] == sub_policy{{operation::invert, 10, 6}, {operation::posterize, 10, 6}});
  const auto hard = auto_augment{.policy = found, .scale = auto_augment_scale::even}(
      examples, third_epoch, seed{1});
  CHECK(policy(examples, third_epoch, seed{1}).inputs.allclose(unit(hard), 1e-4, 1e-4));

  set(policy, "probabilities", torch::full({1}, 0.0F));
  CHECK(policy(examples, third_epoch, seed{1}).inputs.allclose(unit(examples), 1e-4, 1e-4));
}

TEST_CASE("soft sub-policies: numbers beyond 0 and 1 count as the bound, and find back")
{
  const auto examples = plain(8);
  const auto view_at = [&](float magnitude) {
    soft_sub_policies policy{{.sub_policies = 1}, {operation::posterize}};
    set(policy, "probabilities", torch::full({1}, 0.9F));
    set(policy, "magnitudes", torch::full({1}, magnitude));
    const auto view = policy(examples, third_epoch, seed{1}).inputs;
    const auto slope = torch::autograd::grad({view.sum()}, {policy.magnitudes()})[0];
    CHECK(slope.abs().min().item<double>() > 0.0);
    CHECK(policy.best()[0].first.magnitude <= 9);
    return view.detach();
  };
  // Gates, too: not every draw is in reach of a bound, but one of many is.
  const auto many = plain(64);
  for (const float probability : {-0.2F, 1.2F}) {
    soft_sub_policies policy{{.sub_policies = 1, .gate_temperature = 20.0}, {operation::invert}};
    set(policy, "probabilities", torch::full({1}, probability));
    const auto view = policy(many, third_epoch, seed{1}).inputs;
    CHECK(view.isfinite().all().item<bool>());
    const auto slope = torch::autograd::grad({view.square().sum()}, {policy.probabilities()})[0];
    CHECK(slope.isfinite().all().item<bool>());
    CHECK(slope.abs().min().item<double>() > 0.0);
    CHECK(policy.best()[0].first.probability == (probability < 0.0F ? 0 : 10));
  }
  CHECK(view_at(1.4F).allclose(view_at(1.0F), 1e-5, 1e-6));
  CHECK(view_at(-0.3F).allclose(view_at(0.0F), 1e-5, 1e-6));
  CHECK_FALSE(view_at(1.0F).allclose(view_at(0.0F), 1e-5, 1e-6));
}

TEST_CASE("soft sub-policies: holes have the mean color, as those of auto_augment")
{
  auto black = plain(6);
  black.inputs = torch::zeros_like(black.inputs);
  black.normalization = {.mean = {1.0, 1.0, 1.0}, .std = {0.2, 0.3, 0.4}};
  soft_sub_policies policy{{.sub_policies = 1}, {operation::translate_x, operation::invert}};
  set(policy, "weights", torch::tensor({{{9.0F, 0.0F}, {0.0F, 9.0F}}}));
  set(policy, "probabilities", torch::tensor({{{1.0F, 1.0F}, {0.0F, 0.0F}}}));
  set(policy, "magnitudes", torch::full({1}, 1.0F));
  const auto white = policy(black, third_epoch, seed{1}).inputs.abs().lt(1e-2);
  CHECK(white.to(torch::kDouble).mean().item<double>() == doctest::Approx(3.0 / 8.0));
}

TEST_CASE("soft sub-policies: a view is a function of seed, epoch and id; normalization is kept")
{
  auto examples = noise_images(20).examples();
  examples.normalization = {.mean = {0.5, 0.4, 0.3}, .std = {0.2, 0.3, 0.4}};
  const soft_sub_policies policy;
  const auto all = policy(examples, third_epoch, seed{5});
  const auto some = torch::tensor({17, 3, 8}, torch::kLong);
  const batch few{.inputs = examples.inputs.index_select(0, some),
                  .labels = examples.labels.index_select(0, some),
                  .ids = examples.ids.index_select(0, some),
                  .normalization = examples.normalization};
  CHECK(policy(few, third_epoch, seed{5}).inputs.equal(all.inputs.index_select(0, some)));
  auto fourth = third_epoch;
  fourth.epoch = 4;
  CHECK_FALSE(policy(examples, fourth, seed{5}).inputs.equal(all.inputs));
  CHECK_FALSE(policy(examples, third_epoch, seed{6}).inputs.equal(all.inputs));
  CHECK(all.normalization == normalization{});
  CHECK(all.labels.equal(examples.labels));
  auto floats = examples;
  floats.inputs = normalized_inputs(examples);
  CHECK(policy(floats, third_epoch, seed{5}).inputs.allclose(all.inputs, 1e-4, 1e-5));
}

TEST_CASE("soft sub-policies refuse what they cannot learn or show")
{
  const auto refuses = [](const soft_sub_policy_options& options, std::vector<operation> of,
                          const char* words) {
    CHECK_THROWS_WITH_AS((void)soft_sub_policies(options, std::move(of)), doctest::Contains(words),
                         std::invalid_argument);
  };
  refuses({.sub_policies = 0}, soft_operations(), "sub_policies of at least 1");
  refuses({.choice_temperature = 0.0}, soft_operations(), "temperatures above 0");
  refuses({.gate_temperature = -1.0}, soft_operations(), "temperatures above 0");
  refuses({}, {}, "want operations, got none");
  refuses({}, {operation::cutout}, "cutout has a place");
  const soft_sub_policies policy;
  auto maps = plain(2);
  maps.labels = torch::zeros({2, 8, 8}, torch::kLong);
  CHECK_THROWS_WITH_AS((void)policy(maps, third_epoch, seed{}),
                       doctest::Contains("soft_sub_policies"), std::invalid_argument);
  auto broken = plain(2);
  broken.inputs = torch::full({2, 3, 8, 8}, std::numeric_limits<float>::quiet_NaN());
  CHECK_THROWS_WITH_AS((void)policy(broken, third_epoch, seed{}), doctest::Contains("got NaN"),
                       std::invalid_argument);
  CHECK(policy(plain(0), third_epoch, seed{}).inputs.size(0) == 0);
  CHECK_THROWS_WITH_AS((void)policy({}, third_epoch, seed{}),
                       doctest::Contains("got an undefined tensor"), std::invalid_argument);
  soft_sub_policies diverged{{.sub_policies = 1}};
  set(diverged, "probabilities", torch::full({1}, std::numeric_limits<float>::quiet_NaN()));
  CHECK_THROWS_WITH_AS((void)diverged.best(), doctest::Contains("whose search diverged"),
                       std::invalid_argument);
}
