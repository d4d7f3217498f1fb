// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Learners: who learns from which loss, and steps with several trained models.
#include "support/doctest.hpp"

#include "support/resumed_run.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/student/module_student.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/adam.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/model_input.hpp>
#include <rolewise/train/supervised.hpp>
#include <rolewise/train/turn.hpp>

#include <torch/nn/cloneable.h>
#include <torch/nn/modules/linear.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace rolewise;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

namespace {

/// y = a x: the smallest model with a closed-form update.
struct factor {
  owned_tensor a{torch::full({1}, 2.0, torch::kDouble).set_requires_grad(true)};

  [[nodiscard]] torch::Tensor operator()(double x) const { return (*a * x).sum(); }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("a", *a);
  }
};
static_assert(Trainable<factor>);
static_assert(Trainable<tiny_student>);
static_assert(!Trainable<int>);
static_assert(!HasParameters<factor>);
static_assert(HasParameters<tiny_student>);

const sgd plain{.learning_rate = 0.1, .momentum = 0.0, .weight_decay = 0.0};

double value_of(const learner<factor>& of) { return of.model.a->item<double>(); }

std::uint64_t sum_of(auto part) { return state_sum(part); }

}  // namespace

TEST_CASE("a learner makes one update down or up the gradient of its own parameters")
{
  learner<factor> down{.model = {}, .optimizer = plain}, up = down;
  down.minimize(down.model(3.0), {});
  CHECK(value_of(down) == doctest::Approx(2.0 - 0.1 * 3.0).epsilon(1e-12).scale(0));
  up.maximize(up.model(3.0), {});
  CHECK(value_of(up) == doctest::Approx(2.0 + 0.1 * 3.0).epsilon(1e-12).scale(0));

  learner scheduled{.model = factor{}, .optimizer = plain, .lr_schedule = multi_step_lr{}};
  scheduled.minimize(scheduled.model(1.0), {.epoch = 60, .epochs = 100});
  CHECK(scheduled.model.a->item<double>() == doctest::Approx(2.0 - 0.01).epsilon(1e-12).scale(0));
}

TEST_CASE("clipping and the moving average of a learner")
{
  learner<factor> one{.model = {},
                      .optimizer = plain,
                      .clipping = clip_gradients{.norm = 0.5},
                      .ema = ema{.decay = 0.5, .ramp = false}};
  one.minimize(one.model(30.0), {});
  CHECK(value_of(one) == doctest::Approx(2.0 - 0.1 * 0.5).epsilon(1e-6).scale(0));
  CHECK(one.evaluated().a->item<double>() ==
        doctest::Approx((2.0 + value_of(one)) / 2).epsilon(1e-9).scale(0));
}

TEST_CASE("what a loss reaches besides a learner's model gets neither gradient nor update")
{
  learner<factor> first{.model = {}, .optimizer = plain}, second = first;
  const auto before = sum_of(second);
  const auto both = first.model(1.0) * second.model(5.0);
  first.minimize(both, {}, graph::keep);
  CHECK(value_of(first) == doctest::Approx(2.0 - 0.1 * 10.0).epsilon(1e-12).scale(0));
  CHECK(sum_of(second) == before);
  CHECK(!second.model.a->grad().defined());

  // From the same graph, by the values that it was computed with.
  const auto of_first = sum_of(first);
  second.minimize(both, {});
  CHECK(value_of(second) == doctest::Approx(2.0 - 0.1 * 10.0).epsilon(1e-12).scale(0));
  CHECK(sum_of(first) == of_first);
}

TEST_CASE("a gradient that was left from elsewhere is not added")
{
  learner<factor> one{.model = {}, .optimizer = plain};
  one.model(100.0).backward();
  one.minimize(one.model(3.0), {});
  CHECK(value_of(one) == doctest::Approx(2.0 - 0.1 * 3.0).epsilon(1e-12).scale(0));
}

TEST_CASE("a copy of a learner is deep")
{
  learner<factor, adam> one{.model = {}, .optimizer = {.learning_rate = 0.1}};
  one.minimize(one.model(1.0), {});
  auto copy = one;
  const auto before = sum_of(copy);
  one.minimize(one.model(1.0), {});
  CHECK(sum_of(copy) == before);
  copy.minimize(copy.model(1.0), {});
  CHECK(sum_of(copy) == sum_of(one));
}

TEST_CASE("a learner works where the caller has switched gradients off, on a graph from before")
{
  learner<factor> one{.model = {}, .optimizer = plain};
  const auto loss = one.model(3.0);
  const torch::NoGradGuard off;
  one.minimize(loss, {});
  CHECK(value_of(one) == doctest::Approx(1.7).epsilon(1e-12).scale(0));
  CHECK_THROWS_WITH_AS(one.minimize(one.model(3.0), {}), doctest::Contains("the loss has no graph"),
                       std::invalid_argument);
}

TEST_CASE("a loss that a learner cannot use is refused, and nothing moves")
{
  learner<factor> one{.model = {}, .optimizer = plain}, other = one;
  const auto before = sum_of(one);
  CHECK_THROWS_WITH_AS(one.minimize(torch::Tensor{}, {}), doctest::Contains("got none"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(one.minimize(*one.model.a * 2, {}), doctest::Contains("wants a loss []"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(one.minimize(other.model(1.0), {}),
                       doctest::Contains("depends on none of the 1 parameters"),
                       std::invalid_argument);
  learner<factor> wild{
      .model = {}, .optimizer = {.learning_rate = 1e308, .momentum = 0.0}, .lr_schedule = {}};
  wild.optimizer.learning_rate = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(wild.minimize(wild.model(1.0), {}), std::invalid_argument);
  CHECK(sum_of(one) == before);
}

TEST_CASE("a learner on a student makes the update of a supervised step, bit by bit")
{
  const auto data = tiny_data(12);
  supervised step{.student = tiny_student{data.shape, seed{3}}, .lr_schedule = constant_lr{}};
  learner<tiny_student> student{.model = tiny_student{data.shape, seed{3}}};
  for (const auto& part : batches(data, {.size = 4})) {
    (void)step(part, {});
    student.begin({});
    const auto x = normalized(part);
    student.minimize(cross_entropy{}({.teacher = {}, .student = student.model.forward(x)},
                                     {x.labels, x.ids, {}}),
                     {});
  }
  CHECK(sum_of(step.student) == sum_of(student.model));
}

// [adversarial]
/// Guesses by logits `[N, C]` whether they are the teacher's: one logit for each example.
struct discriminator_module : torch::nn::Cloneable<discriminator_module> {
  explicit discriminator_module(std::int64_t classes) : classes_{classes} { reset(); }
  void reset() override { linear_ = register_module("linear", torch::nn::Linear(classes_, 1)); }
  torch::Tensor forward(const torch::Tensor& logits) { return linear_(logits).squeeze(1); }

 private:
  std::int64_t classes_;
  torch::nn::Linear linear_{nullptr};
};

/// Distillation with an adversarial loss: the discriminator learns to tell the logits of teacher
/// and student apart, the student learns to be mistaken for the teacher.
template<Teacher TeacherType, Student StudentType>
struct adversarial_distillation {
  TeacherType teacher;
  learner<StudentType, sgd, cosine_annealing> student;
  learner<module_student<discriminator_module>, adam> discriminator;
  double weight = 0.1;

  metrics operator()(const batch& examples, const training_progress& progress)
  {
    student.begin(progress);
    const auto view = model_input(examples, student.model);
    const paired_outputs pair{.teacher = teacher.forward(view),
                              .student = student.model.forward(view)};
    const auto guess = [&](const torch::Tensor& logits) {
      return discriminator.model.module().forward(logits);
    };
    const auto yes = torch::ones({view.size()}), no = torch::zeros({view.size()});
    const auto loss_of = [](const torch::Tensor& guesses, const torch::Tensor& truth) {
      return torch::binary_cross_entropy_with_logits(guesses, truth);
    };

    discriminator.minimize(
        loss_of(guess(pair.teacher.logits), yes) + loss_of(guess(pair.student.logits.detach()), no),
        progress);
    const auto loss =
        soft_target_kl{temperature{4}}(pair) + weight * loss_of(guess(pair.student.logits), yes);
    student.minimize(loss, progress);
    return {{"loss", loss.detach()}};
  }

  [[nodiscard]] const StudentType& evaluated() const { return student.evaluated(); }
  [[nodiscard]] double learning_rate(const training_progress& at) const
  {
    return student.learning_rate(at);
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("student", student);
    archive.part("discriminator", discriminator);
  }
};
// [/adversarial]

namespace {

auto adversarial_step(const dataset& data)
{
  torch::manual_seed(5);  // LibTorch draws the discriminator's weights
  return adversarial_distillation{
      .teacher = frozen(tiny_student{data.shape, seed{1}}),
      .student =
          learner<tiny_student, sgd, cosine_annealing>{.model = tiny_student{data.shape, seed{2}}},
      .discriminator = learner<module_student<discriminator_module>, adam>{
          .model = module_student{std::make_shared<discriminator_module>(data.shape.classes)}}};
}

}  // namespace

TEST_CASE("a step with a student and a discriminator trains both, each on its own loss")
{
  const auto data = tiny_data(20);
  auto step = adversarial_step(data);
  static_assert(EvaluatedStep<decltype(step)> && ScheduledStep<decltype(step)>);
  static_assert(!SeededStep<decltype(step)> && TaughtStep<decltype(step)>);
  const auto student = sum_of(step.student.model), discriminator = sum_of(step.discriminator.model);
  const auto found = fit(step, data, {.epochs = 3, .batch_size = 10, .validation = &data});
  CHECK(sum_of(step.student.model) != student);
  CHECK(sum_of(step.discriminator.model) != discriminator);
  CHECK(found.epochs.back().validation_accuracy.has_value());
  CHECK(found.epochs.back().learning_rate.has_value());
}

TEST_CASE("a step of learners goes on from a checkpoint with the same bits")
{
  const auto data = tiny_data(20);
  testing::goes_on_with_the_same_bits([&] { return adversarial_step(data); }, data,
                                      {.epochs = 4, .batch_size = 10});
}

// [alternating]
/// A gain on the pixels as an agent: `inputs * exp(gain)`.
struct learned_gain {
  owned_tensor gain{torch::zeros({1}).set_requires_grad(true)};

  [[nodiscard]] batch operator()(batch examples, const training_progress&, seed) const
  {
    examples.inputs = normalized_inputs(examples) * gain->exp();
    examples.normalization = {};
    return examples;
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("gain", *gain);
  }
};

/// An agent that learns to make views hard for the student in every step, and easy for the teacher
/// in every fifth.
template<Teacher TeacherType, Student StudentType>
struct learned_agent_distillation {
  TeacherType teacher;
  learner<StudentType> student;
  learner<learned_gain, adam> agent;
  turn teacher_turn{.every = 5};
  rolewise::seed seed{0};

  metrics operator()(const batch& examples, const training_progress& progress)
  {
    student.begin(progress);
    const auto view = agent.model(examples, progress, seed);
    const auto known = targets_of(view, progress);
    const auto loss =
        cross_entropy{}({.teacher = {}, .student = student.model.forward(view)}, known);
    agent.maximize(loss, progress, graph::keep);
    student.minimize(loss, progress);
    if (teacher_turn(progress)) {
      const auto easy = agent.model(examples, progress, seed);
      agent.minimize(cross_entropy{}({.teacher = {}, .student = teacher.forward(easy)}, known),
                     progress);
    }
    return {{"loss", loss.detach()}};
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("student", student);
    archive.part("agent", agent);
  }
};
// [/alternating]

TEST_CASE("turns say who is updated in a step")
{
  const auto steps_of = [](const turn& who) {
    std::string text;
    for (std::int64_t step = 0; step < 12; ++step)
      text +=
          who({.epoch = step / 4, .step = step % 4, .epochs = 3, .steps_per_epoch = 4}) ? 'x' : '.';
    return text;
  };
  CHECK(steps_of({}) == "xxxxxxxxxxxx");
  CHECK(steps_of({.every = 5}) == "x....x....x.");
  CHECK(steps_of({.every = 6, .count = 5}) == "xxxxx.xxxxx.");
  CHECK(steps_of({.every = 6, .first = 5}) == ".....x.....x");
  CHECK(steps_of({.from = 7}) == ".......xxxxx");
  CHECK(steps_of({.every = 3, .first = 1, .from = 2, .until = 9}) == "...x..x.....");
  CHECK_THROWS_WITH_AS((void)turn({.every = 2, .first = 1, .count = 2})({}),
                       "rolewise: turn: want 0 <= first < first + count <= every, got first 1, "
                       "count 2, every 2",
                       std::invalid_argument);
}

TEST_CASE("a step with a learned agent is one for fit and for checkpoints")
{
  const auto data = tiny_data(20);
  const tiny_student pretrained{data.shape, seed{1}}, student{data.shape, seed{2}};
  // [use-alternating]
  learned_agent_distillation training{
      .teacher = frozen(pretrained),
      .student = learner{.model = student, .optimizer = sgd{.learning_rate = 0.05}},
      .agent = learner{.model = learned_gain{}, .optimizer = adam{.learning_rate = 1e-2}}};
  const auto history = fit(training, data, {.epochs = 2, .batch_size = 10});

  // What was learned is a value: the agent as it is now, without a learner and without gradients.
  auto found = training.agent.model;
  found.gain->set_requires_grad(false);
  const auto view = found(data.examples(), training_progress{}, seed{1});
  // [/use-alternating]
  CHECK(history.epochs.size() == 2);
  CHECK(training.agent.model.gain->item<double>() != 0.0);
  CHECK_FALSE(view.inputs.requires_grad());
  CHECK(training.agent.model.gain->requires_grad());
}

TEST_CASE("an agent learns up the student's loss and down the teacher's")
{
  const auto data = tiny_data(20);
  const auto teacher = frozen(tiny_student{data.shape, seed{1}});
  learned_agent_distillation step{
      .teacher = teacher,
      .student = learner<tiny_student>{.model = tiny_student{data.shape, seed{2}}},
      .agent = learner<learned_gain, adam>{.model = {}}};
  const auto part = *batches(data, {.size = 20}).begin();
  const auto teachers = teacher.fingerprint();
  std::vector<double> gains{0.0};
  for (std::int64_t n = 0; n < 7; ++n) {
    (void)step(part, {.step = n, .steps_per_epoch = 7});
    gains.push_back(step.agent.model.gain->item<double>());
  }
  // Adam moves by its learning rate per update: one update in most steps, two in steps 0 and 5.
  CHECK(step.agent.learner_state.updates() == 7 + 2);
  CHECK(step.student.learner_state.updates() == 7);
  for (std::size_t n = 1; n < gains.size(); ++n) CHECK(gains[n] != gains[n - 1]);
  CHECK(step.teacher.fingerprint() == teachers);
}

namespace {

struct learned_agent : learned_gain {
  static constexpr std::string_view name = "learned";
};

}  // namespace

TEST_CASE("a step refuses an agent whose state shows parameters that nothing would update")
{
  const auto data = tiny_data(8);
  const auto part = *batches(data, {.size = 8}).begin();
  supervised alone{.student = tiny_student{data.shape}, .agent = learned_agent{}};
  CHECK_THROWS_WITH_AS(alone(part, {}),
                       doctest::Contains("supervised: .agent shows the parameter 'gain'"),
                       std::invalid_argument);
  distillation both{.teacher = frozen(tiny_student{data.shape}),
                    .student = tiny_student{data.shape},
                    .teacher_agent = learned_agent{},
                    .loss = soft_target_kl{}};
  CHECK_THROWS_WITH_AS(both(part, {}),
                       doctest::Contains("distillation: .teacher_agent shows the parameter 'gain'"),
                       std::invalid_argument);
}
