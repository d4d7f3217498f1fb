// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Faster AutoAugment: the gradient penalty, joint updates, a step by its parts, and runs.
#include "support/doctest.hpp"

#include "laws/training_step.hpp"
#include "support/finite_differences.hpp"
#include "support/noise_images.hpp"
#include "support/resumed_run.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/auto_augment.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/loss/adversarial.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/systems/faster_auto_augment.hpp>
#include <rolewise/train/fit.hpp>

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

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

using rolewise::testing::drawn;
using rolewise::testing::finite_differences;
using rolewise::testing::goes_on_with_the_same_bits;
using rolewise::testing::noise_images;
using rolewise::testing::noise_shape;
using rolewise::testing::same_tensors;
using rolewise::testing::tiny_tapped_student;

constexpr training_progress begin{.epoch = 0, .step = 0, .epochs = 2, .steps_per_epoch = 1};
constexpr sgd without_momentum{.learning_rate = 0.05, .momentum = 0.0, .weight_decay = 0.0};

[[nodiscard]] mlp_discriminator tiny_critic() { return mlp_discriminator{6, {.seed = seed{3}}}; }

[[nodiscard]] auto search_of(std::uint64_t key = 4)
{
  return systems::faster_auto_augment{
      .network = learner{.model = tiny_tapped_student{noise_shape, seed{2}},
                         .optimizer = without_momentum},
      .policy = systems::faster_auto_augment_policy({.sub_policies = 2}),
      .critic = learner<mlp_discriminator, adam>{.model = tiny_critic()},
      .seed = seed{key}};
}

}  // namespace

TEST_CASE("gradient penalty: the square of how far slopes are from 1, between the examples")
{
  const auto a = torch::tensor({3.0, 0.0, 4.0}, torch::kDouble).set_requires_grad(true);
  const auto real = drawn(seed{1}, {5, 3}).to(torch::kDouble);
  const auto generated = drawn(seed{2}, {5, 3}).to(torch::kDouble);
  const auto u = drawn(seed{3}, {5}).to(torch::kDouble) + 0.5;
  const auto linear = [&](const torch::Tensor& x) { return x.matmul(a); };
  const auto found = gradient_penalty(linear, real, generated, u);
  CHECK(found.item<double>() == doctest::Approx(16.0));  // (5 - 1)^2
  // 2 (|a| - 1) a / |a|
  const auto slope = torch::autograd::grad({found}, {a})[0];
  const double wanted[] = {4.8, 0.0, 6.4};
  for (int i = 0; i < 3; ++i) CHECK(slope[i].item<double>() == doctest::Approx(wanted[i]));

  // D = |x|^2 / 2 has the slope x, at u real + (1 - u) generated.
  const auto square = [&](const torch::Tensor& x) {
    return x.square().sum(1) / 2.0 + 0.0 * x.matmul(a);
  };
  const auto points = u.unsqueeze(1) * real + (1.0 - u).unsqueeze(1) * generated;
  CHECK(gradient_penalty(square, real, generated, u).item<double>() ==
        doctest::Approx((points.norm(2, {1}) - 1.0).square().mean().item<double>())
            .epsilon(1e-9)
            .scale(0));

  const auto curved = [&](const torch::Tensor& w) {
    return gradient_penalty([&](const torch::Tensor& x) { return (x * w).sin().sum(1); }, real,
                            generated, u);
  };
  const auto w = drawn(seed{4}, {3}).to(torch::kDouble).set_requires_grad(true);
  const auto exact = torch::autograd::grad({curved(w)}, {w})[0];
  const auto near = finite_differences(curved, w);
  CHECK((exact - near).abs().max().item<double>() < 1e-6);

  const auto refuses = [&](const auto& critic, const torch::Tensor& of, const char* words) {
    CHECK_THROWS_WITH_AS((void)gradient_penalty(critic, real, of, u), doctest::Contains(words),
                         std::invalid_argument);
  };
  refuses(linear, generated.slice(0, 0, 4), "of one size");
  refuses([&](const torch::Tensor& x) { return linear(x).sum(); }, generated, "gives [5]");
  refuses([&](const torch::Tensor& x) { return linear(x).detach(); }, generated, "with a graph");
  refuses([&](const torch::Tensor&) { return a.sum() + torch::zeros({5}, torch::kDouble); },
          generated, "does not depend on its input");
}

TEST_CASE("gradient penalty: a slope of 0 is told to rise, by a finite gradient")
{
  const auto w = torch::zeros({3}, torch::kDouble).set_requires_grad(true);
  const auto found = gradient_penalty([&](const torch::Tensor& x) { return x.matmul(w); },
                                      torch::ones({2, 3}, torch::kDouble),
                                      torch::zeros({2, 3}, torch::kDouble), torch::zeros({2}));
  CHECK(found.item<double>() == doctest::Approx(1.0).epsilon(1e-5).scale(0));
  CHECK(torch::autograd::grad({found}, {w})[0].isfinite().all().item<bool>());
}

TEST_CASE("learners that minimize together get the gradients before the first update")
{
  const auto images = noise_images(6).examples();
  learner body{.model = tiny_tapped_student{noise_shape, seed{2}}, .optimizer = without_momentum};
  learner head{.model = tiny_critic(), .optimizer = without_momentum};
  const auto loss_of = [&](auto& a, auto& b) {
    const auto said = a.model.forward(images, taps{tap::penultimate});
    return b.model(said.features[tap::penultimate]).square().mean() + said.logits.square().mean();
  };
  auto body_alone = body;
  auto head_alone = head;
  {
    auto other = head;
    body_alone.minimize(loss_of(body_alone, other), begin);
    auto another = body;
    head_alone.minimize(loss_of(another, head_alone), begin);
  }
  minimize_together(loss_of(body, head), begin, body, head);
  CHECK(same_tensors(body.model, body_alone.model));
  CHECK(same_tensors(head.model, head_alone.model));
  // Whatever is wrong with one of them, none moves.
  auto unmoved = head;
  CHECK_THROWS_WITH_AS(minimize_together(head.model(torch::ones({2, 6})).sum(), begin, head, body),
                       doctest::Contains("minimize_together: the loss depends on none of the "),
                       std::invalid_argument);
  body.optimizer.learning_rate = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(minimize_together(loss_of(body, head), begin, head, body), std::invalid_argument);
  CHECK_THROWS_WITH_AS(minimize_together(torch::ones({}), begin, head, body),
                       doctest::Contains("minimize_together: the loss has no graph"),
                       std::invalid_argument);
  CHECK(same_tensors(head.model, unmoved.model));
}

TEST_CASE("Faster AutoAugment: a step is its parts")
{
  const auto data = noise_images(9).examples();  // of which the last is left out
  auto step = search_of();
  auto network = step.network;
  auto critic = step.critic;
  auto policy = step.policy;
  const auto real = model_input(examples_between(data, 0, 4), network.model);
  const auto made =
      policy.model(examples_between(data, 4, 4), begin, seed{4}.split(purpose{"policy"}));
  const auto judge = [&](const torch::Tensor& x) {
    auto at = real;
    at.inputs = x;
    return critic.model(
        network.model.predict(at, taps{tap::penultimate}).features[tap::penultimate]);
  };
  auto all = real;
  all.inputs = torch::cat({real.inputs, made.inputs.detach()});
  const auto said = network.model.forward(all, taps{tap::penultimate});
  const auto d = critic.model(said.features[tap::penultimate]);
  const auto u = uniform_draws(seed{4}.split(purpose{"penalty"}), 0, real.ids, 1).squeeze(1);
  const auto penalty = gradient_penalty(judge, real.inputs, made.inputs.detach(), u);
  const auto cost = [](const torch::Tensor& logits, const torch::Tensor& labels) {
    return -logits.log_softmax(1).gather(1, labels.unsqueeze(1)).mean();
  };
  const auto distance = d.slice(0, 0, 4).mean() - d.slice(0, 4).mean();
  const auto loss = 10.0 * penalty - distance + cost(said.logits.slice(0, 0, 4), real.labels);
  minimize_together(loss, begin, network, critic);
  auto at = made;
  const auto on_made = network.model.predict(at, taps{tap::penultimate});
  const auto of_policy = 0.1 * cost(on_made.logits, made.labels) -
                         critic.model(on_made.features[tap::penultimate]).mean();
  policy.minimize(of_policy, begin);

  const auto numbers = step(data, begin);
  const auto close = [](double found, const torch::Tensor& wanted) {
    CHECK(found == doctest::Approx(wanted.item<double>()).epsilon(1e-4).scale(0));
  };
  close(numbers[0].value.item<double>(), loss);
  close(numbers[1].value.item<double>(), distance);
  close(numbers[2].value.item<double>(), penalty);
  close(numbers[3].value.item<double>(), of_policy);
  CHECK(step.network.model.all_outputs() == 1);
  const auto near = [](const auto& a, const auto& b) {
    auto one = a, other = b;
    const auto found = parameters_of(one), wanted = parameters_of(other);
    for (std::size_t i = 0; i < found.size(); ++i)
      CHECK(found[i].value.allclose(wanted[i].value, 1e-4, 1e-6));
  };
  near(step.network.model, network.model);
  near(step.critic.model, critic.model);
  // Adam moves each number by the sign of its gradient, where it has one.
  CHECK((step.policy.model.magnitudes() - policy.model.magnitudes())
            .abs()
            .lt(1e-4)
            .to(torch::kDouble)
            .mean()
            .item<double>() > 0.95);
}

TEST_CASE("Faster AutoAugment: the weight of labels moves the policy alone")
{
  const auto data = noise_images(8).examples();
  auto with = search_of(), other = search_of();
  other.options.label_weight = 5.0;
  (void)with(data, begin);
  (void)other(data, begin);
  CHECK(state_sum(with.network.model) == state_sum(other.network.model));
  CHECK(state_sum(with.critic.model) == state_sum(other.critic.model));
  CHECK(state_sum(with.policy.model) != state_sum(other.policy.model));
}

TEST_CASE("Faster AutoAugment: both halves are what the agent shows")
{
  const auto data = noise_images(8).examples();
  auto plain = search_of(), other = search_of();
  systems::faster_auto_augment step{.network = plain.network,
                                    .agent = pad_crop_flip{},
                                    .policy = plain.policy,
                                    .critic = plain.critic,
                                    .seed = seed{4}};
  (void)step(data, begin);
  (void)plain(pad_crop_flip{}(data, begin, seed{4}.split(role::both)), begin);
  (void)other(data, begin);
  CHECK(same_tensors(step.network.model, plain.network.model));
  CHECK(same_tensors(step.policy.model, plain.policy.model));
  CHECK_FALSE(same_tensors(step.network.model, other.network.model));
}

TEST_CASE("Faster AutoAugment: an operation that a critic sees gets rarer")
{
  // Dark images, which one operation makes bright; the other leaves them alone.
  auto data = noise_images(64);
  data.inputs = data.inputs.div(8, "floor").to(torch::kByte);
  systems::faster_auto_augment search{
      .network = learner{.model = tiny_tapped_student{noise_shape, seed{2}},
                         .optimizer = systems::faster_auto_augment_optimizer()},
      .policy =
          learner<soft_sub_policies, adam>{
              .model =
                  soft_sub_policies{{.sub_policies = 1}, {operation::invert, operation::identity}},
              .optimizer = systems::faster_auto_augment_optimizer()},
      .critic = learner<mlp_discriminator, adam>{.model = tiny_critic()}};
  const auto odds = [&] {
    const auto& w = search.policy.model.weights();
    return (w.select(2, 0) - w.select(2, 1)).sum().item<double>();
  };
  const double before = odds();
  (void)fit(search, data, {.epochs = 20, .batch_size = 16});
  CHECK(odds() < before - 0.1);
}

TEST_CASE("Faster AutoAugment: few bits train, laws, a run that goes on, and errors")
{
  const auto data = noise_images(32);
  // [faster]
  systems::faster_auto_augment search{
      .network = learner{.model = resnet8(data.shape, dorefa{}, inner_bits<2>, {.seed = seed{2}}),
                         .optimizer = systems::faster_auto_augment_optimizer()},
      .agent = pad_crop_flip{}};
  const auto history = fit(search, data, {.epochs = 1, .batch_size = 8});
  const auto_augment found{.policy = search.policy.model.best(), .scale = auto_augment_scale::even};
  // [/faster]
  CHECK(std::isfinite(history.epochs.back()["distance"]));
  CHECK(found.policy.size() == 10);

  const auto make = [] { return search_of(); };
  laws::step_holds_for(make, noise_images(16));
  goes_on_with_the_same_bits(make, noise_images(16), {.epochs = 4, .batch_size = 8});

  auto step = search_of();
  CHECK_THROWS_WITH_AS((void)step(noise_images(1).examples(), begin),
                       doctest::Contains("wants batches of two examples or more"),
                       std::invalid_argument);
  for (const double wrong : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    step.options.penalty = wrong;
    CHECK_THROWS_WITH_AS((void)step(data.examples(), begin),
                         doctest::Contains("want finite weights of at least 0"),
                         std::invalid_argument);
  }
}
