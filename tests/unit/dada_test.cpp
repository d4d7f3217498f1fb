// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// DADA: the gradient through a step of the network, what the policy learns from it, and runs.
#include "support/doctest.hpp"

#include "laws/training_step.hpp"
#include "support/noise_images.hpp"
#include "support/resumed_run.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/auto_augment.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/data/splits.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/systems/dada.hpp>
#include <rolewise/train/fit.hpp>

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::drawn;
using rolewise::testing::goes_on_with_the_same_bits;
using rolewise::testing::noise_images;
using rolewise::testing::noise_shape;
using rolewise::testing::same_tensors;
using rolewise::testing::tiny_student;

constexpr sgd without_momentum{.learning_rate = 0.05, .momentum = 0.0, .weight_decay = 0.0};
constexpr training_progress begin{.epoch = 0, .step = 0, .epochs = 2, .steps_per_epoch = 1};

/// Weights `[D]` in double precision, which learn.
struct weights_only {
  torch::Tensor w;

  weights_only(torch::Tensor of) : w{of.detach().clone().set_requires_grad(true)} {}
  weights_only(const weights_only& other) : weights_only{other.w} {}
  weights_only& operator=(const weights_only& other)
  {
    w = weights_only{other}.w;
    return *this;
  }
  ~weights_only() = default;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("w", w);
  }
};

[[nodiscard]] double apart(const torch::Tensor& a, const torch::Tensor& b)
{
  return ((a - b).norm() / b.norm()).item<double>();
}

/// A policy of few pairs, so that little data says something.
[[nodiscard]] auto few_pairs()
{
  return systems::dada_policy({{operation::invert, operation::rotate},
                               {operation::posterize, operation::solarize},
                               {operation::brightness, operation::translate_x}});
}

[[nodiscard]] auto search_of(std::int64_t examples, double rate = 0.05)
{
  auto optimizer = without_momentum;
  optimizer.learning_rate = rate;
  return systems::dada{
      .network = learner{.model = tiny_student{noise_shape, seed{2}}, .optimizer = optimizer},
      .exam = batch_cycle{.data = noise_images(examples), .size = 6},
      .policy = few_pairs(),
      .seed = seed{4}};
}

/// Every draw of two pairs with two gates each, its probability and what it costs.
struct table {
  torch::Tensor costs = drawn(seed{8}, {2, 2, 2}).to(torch::kDouble) * 4.0;

  [[nodiscard]] torch::Tensor mean(const torch::Tensor& weights, const torch::Tensor& gates) const
  {
    const auto p = weights.softmax(0), on = gates.sigmoid();
    auto total = torch::zeros({}, torch::kDouble);
    for (std::int64_t s = 0; s < 2; ++s)
      for (std::int64_t a = 0; a < 2; ++a)
        for (std::int64_t b = 0; b < 2; ++b) {
          const auto first = a == 1 ? on[s][0] : 1.0 - on[s][0];
          const auto second = b == 1 ? on[s][1] : 1.0 - on[s][1];
          total = total + p[s] * first * second * costs[s][a][b];
        }
    return total;
  }
};

}  // namespace

TEST_CASE("DADA, five: the finite difference is the exact mixed derivative")
{
  const auto x = drawn(seed{1}, {5, 4}).to(torch::kDouble).set_requires_grad(true);
  const auto target = drawn(seed{2}, {4}).to(torch::kDouble);
  const weights_only model{drawn(seed{3}, {4}).to(torch::kDouble)};
  constexpr double rate = 0.1;
  // Quadratic in the weights, and not so in x.
  const auto course = [&](const torch::Tensor& w) {
    return (x * w).sum(1).square() + (x.exp() * w).sum(1);
  };
  const auto exam = [&](const torch::Tensor& w) { return (w - target).square().sum(); };

  const auto slope = torch::autograd::grad({course(model.w).mean()}, {model.w}, {}, true, true)[0];
  const auto updated = model.w - rate * slope;
  const auto wanted = torch::autograd::grad({exam(updated)}, {x})[0];

  const auto leaf = updated.detach().set_requires_grad(true);
  const auto v = torch::autograd::grad({exam(leaf)}, {leaf})[0];
  const auto change =
      change_along(model, [&](const weights_only& at) { return course(at.w); }, {v}, rate);
  CHECK(change.sizes() == at::IntArrayRef{5});
  const auto found = torch::autograd::grad({change.mean()}, {x}, {}, true)[0];
  CHECK(wanted.norm().item<double>() > 1e-3);
  CHECK(apart(found, wanted) < 1e-3);
  CHECK(model.w.equal(weights_only{drawn(seed{3}, {4}).to(torch::kDouble)}.w));

  // In single precision the squares of small and large gradients have no value.
  const weights_only single{model.w.to(torch::kFloat)};
  const auto along = [&](double scale) {
    const auto at_scale = change_along(
        single, [&](const weights_only& at) { return at.w.sum() * 3.0; },
        {v.to(torch::kFloat) * scale}, rate);
    return at_scale.item<double>() / scale;
  };
  for (const double scale : {1e-30, 1e-22, 1e22, 1e30})
    CHECK(along(scale) == doctest::Approx(along(1.0)).epsilon(1e-3).scale(0));

  const auto still =
      change_along(model, [&](const weights_only& at) { return course(at.w); }, {v}, 0.0);
  CHECK(torch::autograd::grad({still.mean()}, {x})[0].abs().max().item<double>() == 0.0);
  CHECK_THROWS_WITH_AS(
      (void)change_along(
          model, [&](const weights_only& at) { return course(at.w); }, {torch::Tensor{}}, rate),
      doctest::Contains("no gradient of the exam"), std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)change_along(
                           model, [&](const weights_only& at) { return course(at.w); }, {}, rate),
                       doctest::Contains("for each of 1 parameters, got 0"), std::invalid_argument);
}

TEST_CASE("DADA: lessons are unbiased, whatever the control says")
{
  constexpr std::int64_t count = 100000;
  const auto weights = torch::tensor({0.4, -0.3}, torch::kDouble).set_requires_grad(true);
  const auto gates =
      torch::tensor({{1.5, -1.0}, {-1.5, 0.5}}, torch::kDouble).set_requires_grad(true);
  const auto uniform = [&](std::uint64_t key, std::int64_t each) {
    return uniform_draws(seed{key}, 0, torch::arange(count), each).to(torch::kDouble);
  };
  sub_policy_draw draw;
  draw.pair =
      draw_categorical(weights.unsqueeze(0).expand({count, 2}), uniform(1, 2), uniform(2, 2));
  const auto logits = gates.index_select(0, draw.pair.choice);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto own = logits.select(1, static_cast<std::int64_t>(i));
    draw.gates[i] = draw_categorical(torch::stack({torch::zeros_like(own), own}, 1),
                                     uniform(3 + i, 2), uniform(5 + i, 2));
  }
  const table of;
  const auto costs = of.costs.index({draw.pair.choice, draw.gates[0].choice, draw.gates[1].choice});
  auto control = mlp_discriminator{6, {.seed = seed{7}}};
  for (const auto& p : parameters_of(control)) {  // in double precision, and far from 0
    const torch::NoGradGuard without_graph;
    auto value = p.value;
    value.mul_(3.0);
  }
  const auto wanted = torch::autograd::grad({of.mean(weights, gates)}, {weights, gates});
  const auto lessons = systems::detail::lessons_of(draw, costs, control, 0.5);
  const auto found = torch::autograd::grad({lessons.policy}, {weights, gates}, {}, true);
  for (std::size_t i = 0; i < 2; ++i) {
    CAPTURE(i);
    CHECK((found[i] - wanted[i]).abs().max().item<double>() < 0.012);
    CHECK(wanted[i].abs().max().item<double>() > 0.05);
  }
}

TEST_CASE("DADA: a control that has learned makes estimates vary less")
{
  const auto data = noise_images(64).examples();
  auto policy = few_pairs();
  auto control = systems::dada_control(policy.model);
  // What a draw costs: that of its pair.
  const auto squares = [&](std::int64_t epoch) {
    auto at = begin;
    at.epoch = epoch;
    const auto draw = policy.model(data, at, seed{3});
    const auto costs = torch::tensor({1.0F, 3.0F, -2.0F}).index_select(0, draw.pair.choice);
    return systems::detail::lessons_of(draw, costs, control.model, 0.5).control;
  };
  control.optimizer.learning_rate = 0.01;
  const double before = squares(1000).item<double>();
  training_progress at{.epoch = 0, .step = 0, .epochs = 120, .steps_per_epoch = 1};
  for (; at.epoch < at.epochs; ++at.epoch) {
    control.begin(at);
    control.minimize(squares(at.epoch), at);
  }
  CHECK(squares(1000).item<double>() < 0.5 * before);
}

TEST_CASE("DADA: a step is its parts, and of the network nothing moves but by its own step")
{
  const auto data = noise_images(48).examples();
  auto step = search_of(12, 0.5);
  step.temperature = 2.0;
  // Adam's first step is rate * g / (|g| + epsilon).
  constexpr double rate = 5e-3, epsilon = 1e-2;
  step.policy.optimizer.epsilon = epsilon;
  {  // Not of equal probability, and a control that says something.
    const torch::NoGradGuard without_graph;
    step.policy.model.weights().data().copy_(torch::tensor({0.3F, -0.2F, 0.1F}));
    step.policy.model.probabilities().data().copy_(
        torch::tensor({{1.0F, -0.5F}, {0.0F, 0.4F}, {0.7F, 0.2F}}));
  }
  step.control.model = mlp_discriminator{7, {.seed = seed{9}}};
  const auto policy = step.policy;
  auto network = step.network;
  auto control = step.control;
  const auto before = network.model;

  const auto draw = policy.model(data, begin, seed{4}.split(purpose{"policy"}));
  auto shown = draw.view;
  shown.inputs = shown.inputs.detach();
  const auto cost = [](const outputs& said, const torch::Tensor& labels) {
    return -said.logits.log_softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1);
  };
  network.minimize(cross_entropy{}({.teacher = {}, .student = network.model.forward(shown)},
                                   targets_of(shown, begin)),
                   begin);
  const auto paper = step.exam(begin);
  auto updated = network.model;
  const auto exam = cost(updated.forward(paper), paper.labels).mean();
  const auto v = parameter_gradients(parameters_of(updated), exam);
  double norm = 0.0;
  for (const auto& each : v) norm += each.square().sum().item<double>();
  const double e = 0.01 / std::sqrt(norm);
  const auto at_side = [&](double sign) {
    auto moved = before;
    move_along(parameters_of(moved), v, sign * e);
    return cost(moved.forward(draw.view), shown.labels);
  };
  const auto costs = (at_side(1.0) - at_side(-1.0)) * (-0.5 / (2.0 * e));
  const auto of_magnitudes =
      torch::autograd::grad({costs.mean()}, {policy.model.magnitudes()}, {}, true)[0];
  const auto lessons = systems::detail::lessons_of(draw, costs, control.model, 2.0);
  const auto of_draws = torch::autograd::grad(
      {lessons.policy}, {policy.model.weights(), policy.model.probabilities()}, {}, true);
  control.minimize(lessons.control, begin);

  const auto old = policy.model;
  const auto numbers = step(data, begin);
  CHECK(same_tensors(step.network.model, network.model));
  CHECK(step.network.model.all_outputs() == 1);
  CHECK(numbers[1].name == "validation");
  CHECK(numbers[1].value.item<double>() == doctest::Approx(exam.item<double>()));
  const auto moves = [&](const torch::Tensor& now, const torch::Tensor& then,
                         const torch::Tensor& gradient) {
    const auto found = (now.detach() - then.detach()).to(torch::kDouble) / -rate;
    const auto g = gradient.to(torch::kDouble);
    const auto wanted = g / (g.abs() + epsilon);
    CHECK(wanted.abs().max().item<double>() > 0.02);
    CHECK((found - wanted).abs().max().item<double>() < 0.01 * wanted.abs().max().item<double>());
  };
  moves(step.policy.model.weights(), old.weights(), of_draws[0]);
  moves(step.policy.model.probabilities(), old.probabilities(), of_draws[1]);
  moves(step.policy.model.magnitudes(), old.magnitudes(), of_magnitudes);
  const auto found = parameters_of(step.control.model), wanted = parameters_of(control.model);
  std::int64_t close = 0, all = 0;  // Adam moves by signs, which rounding turns around at 0
  for (std::size_t i = 0; i < found.size(); ++i) {
    close += found[i].value.isclose(wanted[i].value, 1e-4, 1e-5).sum().item<std::int64_t>();
    all += found[i].value.numel();
  }
  CHECK(static_cast<double>(close) > 0.97 * static_cast<double>(all));
}

TEST_CASE("DADA: with a control of 0 lessons are the score function, of what examples weigh")
{
  const auto logits = torch::tensor({{2.0F, 0.5F, -1.0F}, {0.0F, 1.0F, 0.0F}, {1.0F, 0.2F, 0.3F}});
  const outputs said{.logits = logits, .features = {}};
  const auto agrees = [&](const targets& known) {
    const auto each = cross_entropies(said.logits, known);
    CHECK(each.sizes() == at::IntArrayRef{3});
    CHECK(each.mean().item<double>() ==
          doctest::Approx(cross_entropy{}({.teacher = {}, .student = said}, known).item<double>()));
    return each;
  };
  const auto labels = torch::tensor({0, 2, 1}, torch::kLong);
  const auto plain = agrees({.labels = labels, .ids = {}, .progress = begin});
  const auto weighted = agrees({.labels = labels,
                                .ids = {},
                                .progress = begin,
                                .weights = torch::tensor({1.0F, 0.0F, 3.0F})});
  CHECK(weighted[1].item<double>() == 0.0);
  CHECK(weighted[2].item<double>() == doctest::Approx(plain[2].item<double>() * 9.0 / 4.0));
  const auto few =
      agrees({.labels = torch::tensor({0, -100, 1}, torch::kLong), .ids = {}, .progress = begin});
  CHECK(few[0].item<double>() == doctest::Approx(plain[0].item<double>() * 1.5));
  (void)agrees({.labels = logits.softmax(1), .ids = {}, .progress = begin});

  CHECK_THROWS_WITH_AS(
      (void)cross_entropies(
          torch::ones({3, 2, 2, 2}),
          {.labels = torch::zeros({3, 2, 2}, torch::kLong), .ids = {}, .progress = begin}),
      doctest::Contains("want logits [N, C]"), std::invalid_argument);

  const auto data = noise_images(12).examples();
  const auto policy = few_pairs();
  const auto draw = policy.model(data, begin, seed{3});
  const auto costs = drawn(seed{5}, {12});
  const auto lessons =
      systems::detail::lessons_of(draw, costs, systems::dada_control(policy.model).model, 0.5);
  const auto score = torch::one_hot(draw.pair.choice, 3) - policy.model.weights().softmax(0);
  CHECK(torch::autograd::grad({lessons.policy}, {policy.model.weights()}, {}, true)[0].allclose(
      (costs.unsqueeze(1) * score).mean(0), 1e-4, 1e-6));
}

TEST_CASE("DADA: the policy sees what the agent shows")
{
  const auto data = noise_images(8).examples();
  auto plain = search_of(12);
  systems::dada step{.network = plain.network,
                     .exam = plain.exam,
                     .agent = pad_crop_flip{},
                     .policy = plain.policy,
                     .seed = seed{4}};
  (void)step(data, begin);
  (void)plain(pad_crop_flip{}(data, begin, seed{4}.split(role::both)), begin);
  CHECK(same_tensors(step.network.model, plain.network.model));
  CHECK(same_tensors(step.policy.model, plain.policy.model));
  CHECK_FALSE(state_sum(step.network.model) == [&] {
    auto other = search_of(12);
    (void)other(data, begin);
    return state_sum(other.network.model);
  }());
}

TEST_CASE("DADA: what is wrong is said before anything moves")
{
  auto step = search_of(12);
  const auto network = state_sum(step.network.model);
  for (const double wrong : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    step.temperature = wrong;
    CHECK_THROWS_WITH_AS((void)step(noise_images(8).examples(), begin),
                         doctest::Contains("want a temperature above 0"), std::invalid_argument);
  }
  CHECK(state_sum(step.network.model) == network);
  step.temperature = 0.5;
  CHECK_THROWS_AS((void)step(noise_images(0).examples(), begin), std::invalid_argument);
}

TEST_CASE("DADA, five: at a learning rate of 0 the policy learns nothing")
{
  const auto data = noise_images(8).examples();
  auto step = search_of(12, 0.0), other = search_of(12);
  const auto policy = state_sum(step.policy.model);
  (void)step(data, begin);
  (void)other(data, begin);
  CHECK(state_sum(step.policy.model) == policy);
  CHECK(state_sum(other.policy.model) != policy);
}

TEST_CASE("DADA: an operation that spoils validation gets rarer")
{
  // The class is how bright an image is, which one pair turns around and the other leaves alone.
  dataset data = noise_images(64);
  const auto is_bright = torch::arange(64).remainder(2);
  data.inputs =
      (is_bright.view({64, 1, 1, 1}) * 150 + data.inputs / 4).to(torch::kByte).contiguous();
  data.labels = is_bright;
  data.shape.classes = 2;
  systems::dada search{
      .network = learner{.model = tiny_student{data.shape, seed{1}}, .optimizer = without_momentum},
      .exam = batch_cycle{.data = data, .size = 32},
      .policy = systems::dada_policy({{operation::invert, operation::autocontrast},
                                      {operation::equalize, operation::posterize}}),
      .seed = seed{4}};
  {
    const torch::NoGradGuard without_graph;
    search.policy.model.probabilities().data().copy_(
        torch::tensor({{4.0F, -4.0F}, {-4.0F, -4.0F}}));
  }
  (void)fit(search, data, {.epochs = 25, .batch_size = 32});
  const auto weights = search.policy.model.weights();
  CHECK(weights[0].item<double>() < weights[1].item<double>() - 0.1);
}

TEST_CASE("DADA: few bits train, laws, and a run that goes on with the same bits")
{
  const auto data = noise_images(32);
  // [dada]
  const auto parts = stratified_split(data, fraction{0.5}, seed{1});
  systems::dada search{
      .network = learner{.model = resnet8(data.shape, dorefa{}, inner_bits<2>, {.seed = seed{2}}),
                         .optimizer = sgd{.learning_rate = 0.1}},
      .exam = batch_cycle{.data = parts.validation, .size = 16},
      .agent = pad_crop_flip{}};
  const auto history = fit(search, parts.train, {.epochs = 1, .batch_size = 8});
  const auto_augment found{.policy = search.policy.model.best(25),
                           .scale = auto_augment_scale::even};
  // [/dada]
  CHECK(std::isfinite(history.epochs.back()["validation"]));
  CHECK(found.policy.size() == 25);

  const auto make = [] { return search_of(12); };
  laws::step_holds_for(make, noise_images(16));
  goes_on_with_the_same_bits(make, noise_images(16), {.epochs = 4, .batch_size = 8});
}
