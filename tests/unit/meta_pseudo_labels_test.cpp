// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Meta Pseudo Labels: a teacher that learns whether its labels helped.
#include "support/doctest.hpp"

#include "laws/training_step.hpp"
#include "support/noise_images.hpp"
#include "support/resumed_run.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/horizontal_flip.hpp>
#include <rolewise/core/sampled_classes.hpp>
#include <rolewise/core/settings.hpp>
#include <rolewise/data/splits.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/systems/meta_pseudo_labels.hpp>
#include <rolewise/train/fit.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::goes_on_with_the_same_bits;
using rolewise::testing::noise_images;
using rolewise::testing::noise_shape;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

constexpr sgd without_momentum{.learning_rate = 0.05, .momentum = 0.0, .weight_decay = 0.0};

/// With a baseline rate of 1 the feedback is 0, with 0 it is how far the loss fell.
auto step_of(std::uint64_t key, double baseline_rate)
{
  const auto labeled = tiny_data(6, seed{9});
  return systems::meta_pseudo_labels{
      .teacher =
          learner{.model = tiny_student{labeled.shape, seed{1}}, .optimizer = without_momentum},
      .student =
          learner{.model = tiny_student{labeled.shape, seed{2}}, .optimizer = without_momentum},
      .labeled = batch_cycle{.data = labeled, .size = 6},
      .options = {.consistency_weight = 0.0, .baseline_rate = fraction{baseline_rate}},
      .seed = seed{key}};
}

}  // namespace

TEST_CASE("meta pseudo labels, three: a teacher's own soft label teaches nothing, a hard one does")
{
  const auto z = torch::tensor({{2.0, 1.0, .1}}, torch::kDouble).set_requires_grad(true);
  const auto gradient = [&](const torch::Tensor& labels) {
    const auto loss = cross_entropy{}({.teacher = {}, .student = {.logits = z, .features = {}}},
                                      {.labels = labels, .ids = {}, .progress = {}});
    return torch::autograd::grad({loss}, {z})[0][0];
  };
  CHECK(gradient(z.detach().softmax(1)).abs().max().item<double>() < 1e-12);
  const auto hard = gradient(torch::zeros({1}, torch::kLong));
  const double wanted[] = {-.340999, .242433, .098566};
  for (int i = 0; i < 3; ++i) CHECK(std::abs(hard[i].item<double>() - wanted[i]) < 1e-6);
}

TEST_CASE("meta pseudo labels, three: the probability of a label that helped rises")
{
  const training_progress at{.epoch = 0, .step = 0, .epochs = 1, .steps_per_epoch = 1};
  int helped = 0, harmed = 0;
  for (std::uint64_t key = 0; key < 24; ++key) {
    const auto one = tiny_data(1, seed{20 + key}).examples();
    auto fed = step_of(key, 0.0), without = step_of(key, 1.0);
    const auto pseudo = sampled_classes(tiny_student{fed.teacher.model}.forward(one).logits,
                                        seed{key}.split(purpose{"pseudo label"}), 0, one.ids);
    const auto h = fed(one, at)[2], none = without(one, at)[2];
    REQUIRE(h.name == "feedback");
    CHECK(none.value.item<double>() == 0.0);
    CHECK(rolewise::testing::same_tensors(fed.student.model, without.student.model));
    const auto probability = [&](auto& step) {
      return step.teacher.model.forward(one)
          .logits.softmax(1)[0][pseudo[0].template item<std::int64_t>()]
          .template item<double>();
    };
    const double rise = probability(fed) - probability(without);
    const double feedback = h.value.item<double>();
    if (std::abs(feedback) < 1e-4) continue;
    CHECK(rise * feedback > 0.0);
    ++(feedback > 0.0 ? helped : harmed);
  }
  CHECK(helped > 2);
  CHECK(harmed > 2);
}

TEST_CASE("meta pseudo labels: a step is its three parts, and scores leave no trace in the student")
{
  const training_progress at{.epoch = 3, .step = 0, .epochs = 4, .steps_per_epoch = 1};
  const auto labeled = tiny_data(6, seed{9}), data = tiny_data(8, seed{31});
  const systems::meta_pseudo_label_options options{
      .temperature = temperature{0.1}, .threshold = fraction{0.5}, .baseline_rate = fraction{0.25}};
  systems::meta_pseudo_labels step{.teacher = learner{.model = tiny_student{labeled.shape, seed{1}},
                                                      .optimizer = without_momentum},
                                   .student = learner{.model = tiny_student{labeled.shape, seed{2}},
                                                      .optimizer = without_momentum},
                                   .labeled = batch_cycle{.data = labeled, .size = 6},
                                   .strong_agent = horizontal_flip{},
                                   .options = options,
                                   .seed = seed{5}};
  auto teacher = step.teacher, student = step.student;

  const auto weak = model_input(data.examples(), student.model);
  const auto strong = model_input(
      horizontal_flip{}(data.examples(), at, seed{5}.split(purpose{"strong view"})), student.model);
  const auto known = model_input(step.labeled(at), student.model);
  REQUIRE_FALSE(torch::equal(weak.inputs, strong.inputs));
  const auto cost = [](const outputs& said, const torch::Tensor& labels, double smoothing) {
    return cross_entropy{.smoothing = fraction{smoothing}}(
        {.teacher = {}, .student = said}, {.labels = labels, .ids = {}, .progress = {}});
  };
  const auto score = [&](tiny_student copy) {
    return cost(copy.forward(known), known.labels, 0.0).detach();
  };
  const auto of_strong = teacher.model.forward(strong);
  const auto pseudo =
      sampled_classes(of_strong.logits, seed{5}.split(purpose{"pseudo label"}), 3, strong.ids);
  CHECK_FALSE(torch::equal(
      pseudo,
      sampled_classes(of_strong.logits, seed{5}.split(purpose{"pseudo label"}), 0, strong.ids)));
  const auto before = score(student.model);
  student.minimize(cost(student.model.forward(strong), pseudo, 0.15), at);
  const auto h = 0.75 * (before - score(student.model));
  const auto target = teacher.model.forward(weak).logits.detach();
  const auto consistency = systems::uda_consistency(target, of_strong.logits, options);
  const auto lesson = cost(teacher.model.forward(known), known.labels, 0.15) + 8.0 * consistency +
                      h * cost(of_strong, pseudo, 0.0);
  teacher.minimize(lesson, at);
  CHECK(consistency.item<double>() > 0.0);

  const auto numbers = step(data.examples(), at);
  CHECK(rolewise::testing::same_tensors(step.student.model, student.model));
  CHECK(step.student.model.all_outputs() == 1);
  CHECK(numbers[1].value.item<double>() ==
        doctest::Approx(lesson.item<double>()).epsilon(1e-6).scale(0));
  CHECK(numbers[2].value.item<double>() ==
        doctest::Approx(h.item<double>()).epsilon(1e-4).scale(0));
  const auto found = step.teacher.model.parameters(), wanted = teacher.model.parameters();
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(torch::allclose(found[i].value, wanted[i].value, 1e-5, 1e-7));

  for (const double wrong : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    step.options.consistency_weight = wrong;
    CHECK_THROWS_WITH_AS((void)step(data.examples(), at),
                         doctest::Contains("want a finite consistency_weight >= 0, got "),
                         std::invalid_argument);
  }
}

TEST_CASE("meta pseudo labels: the running mean of the feedback is state")
{
  const training_progress at{.epoch = 0, .step = 0, .epochs = 1, .steps_per_epoch = 1};
  auto step = step_of(1, 0.25);
  const auto h = step(tiny_data(4).examples(), at)[2].value.item<double>();
  // mean = fall / 4, h = fall - mean
  CHECK(step.baseline.mean().item<double>() == doctest::Approx(h / 3).epsilon(1e-5).scale(0));
}

TEST_CASE("UDA consistency: a sharpened target, where it is sure enough")
{
  const auto weak =
      torch::tensor({{2.0, 1.0, .1}, {.2, .1, 0.}}, torch::kDouble).set_requires_grad(true);
  const auto strong =
      torch::tensor({{1.0, .5, -.5}, {0., 3., 0.}}, torch::kDouble).set_requires_grad(true);
  const auto found = systems::uda_consistency(weak, strong, {});
  const auto p = (weak.detach()[0] / 0.7).softmax(0);  // of the second example, too even to count
  const auto wanted = -(p * strong.detach()[0].log_softmax(0)).sum() / 2;
  CHECK(p.max().item<double>() > 0.6);
  CHECK(found.item<double>() == doctest::Approx(wanted.item<double>()).epsilon(1e-12).scale(0));
  const auto gradients = torch::autograd::grad({found}, {weak, strong}, {}, false, false, true);
  CHECK_FALSE(gradients[0].defined());
  CHECK(gradients[1][1].abs().max().item<double>() == 0.0);
}

TEST_CASE("sampled classes: functions of seed, epoch and id, as often as they are probable")
{
  const std::int64_t count = 20000;
  const auto logits = torch::tensor({2.0, 1.0, .1}).expand({count, 3});
  const auto found = sampled_classes(logits, seed{1}, 0, torch::arange(count));
  const auto p = torch::tensor({2.0, 1.0, .1}, torch::kDouble).softmax(0);
  for (std::int64_t c = 0; c < 3; ++c)
    CHECK(std::abs(found.eq(c).to(torch::kDouble).mean().item<double>() - p[c].item<double>()) <
          0.015);
  const auto alone =
      sampled_classes(logits.slice(0, 0, 1), seed{1}, 0, torch::full({1}, 77, torch::kLong));
  CHECK(alone[0].item<std::int64_t>() == found[77].item<std::int64_t>());
  CHECK_FALSE(torch::equal(found, sampled_classes(logits, seed{1}, 1, torch::arange(count))));
  CHECK_THROWS_WITH_AS((void)sampled_classes(logits, seed{1}, 0, torch::arange(3)),
                       doctest::Contains("want an id for each of 20000 examples"),
                       std::invalid_argument);
}

TEST_CASE("meta pseudo labels: few bits train, laws, and a run that goes on with the same bits")
{
  const auto data = noise_images(32);
  // [mpl]
  const auto parts = stratified_split(data, fraction{0.25}, seed{1});  // a quarter has labels
  systems::meta_pseudo_labels training{
      .teacher = learner{.model = resnet8(data.shape, {.seed = seed{1}}),
                         .optimizer = sgd{.learning_rate = 0.05}},
      .student = learner{.model = resnet8(data.shape, dorefa{}, inner_bits<2>, {.seed = seed{2}}),
                         .optimizer = sgd{.learning_rate = 0.05}},
      .labeled = batch_cycle{.data = parts.validation, .size = 8},
      .strong_agent = horizontal_flip{}};
  const auto history = fit(training, parts.train, {.epochs = 1, .batch_size = 8});
  // [/mpl]
  CHECK(std::isfinite(history.epochs.back()["teacher"]));

  const auto few = tiny_data(24);
  const auto make = [&] {
    auto step = step_of(3, 0.01);
    step.options = {};
    return step;
  };
  laws::step_holds_for(make, few);
  goes_on_with_the_same_bits(make, few, {.epochs = 4, .batch_size = 8});
}
