// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/learning_rate_schedule.hpp"
#include "laws/optimizer.hpp"
#include "laws/training_step.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/cutmix.hpp>
#include <rolewise/agent/mixup.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/random_choice.hpp>
#include <rolewise/agent/same_view.hpp>
#include <rolewise/loss/clipped_to_task.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/adam.hpp>
#include <rolewise/train/adamw.hpp>
#include <rolewise/train/clip_gradients.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/ema.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/learning_rate_schedule.hpp>
#include <rolewise/train/loss_metrics.hpp>
#include <rolewise/train/plateau_lr.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/supervised.hpp>

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace rolewise;
using rolewise::testing::same_tensors;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

namespace {

const auto wide = torch::TensorOptions{}.dtype(torch::kFloat64);

std::vector<named_tensor> two_parameters()
{
  return {{"w", torch::tensor({1.0, -2.0, 0.5, 3.0}, wide).view({2, 2})},
          {"b", torch::tensor({0.25}, wide)}};
}

/// Four updates with gradients that are the same for every optimizer.
template<typename O>
std::vector<double> after_four_updates(const O& optimizer)
{
  const auto p = two_parameters();
  auto state = optimizer.start(p);
  for (int t = 1; t <= 4; ++t) {
    const auto w = torch::tensor({0.1, -0.2, 0.3, 0.4}, wide).view({2, 2}) * t;
    // Strides other than the parameter's: elements are matched by index, not by memory order.
    state.update(p, {w.t().contiguous().t(), torch::tensor({-0.5}, wide) / t},
                 optimizer.learning_rate);
  }
  const auto all = torch::cat({p[0].value.flatten(), p[1].value});
  return {all.data_ptr<double>(), all.data_ptr<double>() + all.numel()};
}

void check_close(const std::vector<double>& found, const std::vector<double>& wanted)
{
  REQUIRE(found.size() == wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(found[i] == doctest::Approx(wanted[i]).epsilon(1e-12).scale(0));
}

}  // namespace

TEST_CASE("optimizers and schedules keep their laws")
{
  laws::hold_for(sgd{});
  laws::hold_for(sgd{.momentum = 0.0});
  laws::hold_for(adam{});
  laws::hold_for(adamw{});
  laws::hold_for(constant_lr{});
  laws::hold_for(multi_step_lr{});
  laws::hold_for(exponential_lr{.factor = 0.7});
  laws::hold_for(plateau_lr{.current = 0.3});
  laws::hold_for(cosine_annealing{.lowest = 0.1});
  laws::hold_for(warm_up<>{.epochs = 2});
  laws::hold_for(warm_up<multi_step_lr>{.epochs = 9});
}

TEST_CASE("optimizers give the values of torch.optim")
{
  check_close(after_four_updates(sgd{.weight_decay = 0.01}),
              {0.72137713656205305, -1.4427542731241061, -0.30559405057567102, 1.8976183621434801,
               0.60528261931457805});
  check_close(after_four_updates(sgd{.nesterov = false, .weight_decay = 0.01}),
              {0.80557104631099996, -1.6111420926219999, -0.060698919319500055, 2.2313193619430001,
               0.53104501577524998});
  check_close(after_four_updates(sgd{.momentum = 0.0, .weight_decay = 0.01}),
              {0.89610594601099991, -1.7922118920219998, 0.1983028480305, 2.5884177880429999,
               0.35295167395025001});
  check_close(after_four_updates(adam{.learning_rate = 0.1, .beta2 = 0.99, .weight_decay = 0.01}),
              {0.61081510692409391, -1.6108866318540098, 0.1120772276266906, 2.6112577573405549,
               0.61242622185494766});
  check_close(after_four_updates(adamw{.learning_rate = 0.1, .beta2 = 0.99, .weight_decay = 0.01}),
              {0.60897215248596293, -1.6049781365218663, 0.11096913853200091, 2.6009841265403182,
               0.6118584616158016});
}

TEST_CASE("optimizers follow their formulas over many steps")
{
  torch::manual_seed(0);
  const double rate = 0.05, decays = 0.02, eps = 1e-8;
  const std::vector<named_tensor> a{{"w", torch::randn({3, 4}, wide)}},
      b{{"w", a[0].value.clone()}};
  const std::vector<named_tensor> c{{"w", a[0].value.clone()}};
  auto x = a[0].value.clone(), y = x.clone(), z = x.clone();
  auto m = torch::zeros_like(x), first = m.clone(), second = m.clone(), first_w = m.clone(),
       second_w = m.clone();
  auto of_sgd = sgd{.learning_rate = rate, .weight_decay = decays}.start(a);
  auto of_adam = adam{.learning_rate = rate, .weight_decay = decays}.start(b);
  auto of_adamw = adamw{.learning_rate = rate, .weight_decay = decays}.start(c);
  for (int t = 1; t <= 12; ++t) {
    const auto gradient = torch::randn({3, 4}, wide);
    of_sgd.update(a, {gradient}, rate);
    of_adam.update(b, {gradient}, rate);
    of_adamw.update(c, {gradient}, rate);

    auto g = gradient + decays * x;
    m = 0.9 * m + g;
    x = x - rate * (g + 0.9 * m);

    g = gradient + decays * y;
    first = 0.9 * first + 0.1 * g;
    second = 0.999 * second + 0.001 * g * g;
    y = y - rate * (first / (1 - std::pow(0.9, t))) /
                ((second / (1 - std::pow(0.999, t))).sqrt() + eps);

    z = z - rate * decays * z;
    first_w = 0.9 * first_w + 0.1 * gradient;
    second_w = 0.999 * second_w + 0.001 * gradient * gradient;
    z = z - rate * (first_w / (1 - std::pow(0.9, t))) /
                ((second_w / (1 - std::pow(0.999, t))).sqrt() + eps);
  }
  CHECK(torch::allclose(a[0].value, x, 1e-12, 1e-12));
  CHECK(torch::allclose(b[0].value, y, 1e-10, 1e-10));
  CHECK(torch::allclose(c[0].value, z, 1e-10, 1e-10));
}

TEST_CASE("weight decay may leave vectors alone, and a parameter without gradient stays as it is")
{
  const auto only_weights = two_parameters();
  const auto still = torch::zeros({2, 2}, wide), still_b = torch::zeros({1}, wide);
  auto state = sgd{.learning_rate = 0.1, .weight_decay = 0.5, .decays = decay::weights_only}.start(
      only_weights);
  state.update(only_weights, {still, still_b}, 0.1);
  CHECK(only_weights[0].value[0][0].item<double>() == doctest::Approx(1.0 - 0.1 * 1.9 * 0.5));
  CHECK(only_weights[1].value.item<double>() == 0.25);

  const auto p = two_parameters();
  auto late = adam{}.start(p), punctual = adam{}.start(p);
  const auto g = torch::tensor({-0.5}, wide);
  late.update(p, {torch::ones({2, 2}, wide), torch::Tensor{}}, 0.1);
  CHECK(p[1].value.item<double>() == 0.25);
  late.update(p, {torch::Tensor{}, g}, 0.1);  // its first update, independent of the others
  const auto q = two_parameters();
  punctual.update(q, {torch::Tensor{}, g}, 0.1);
  CHECK(torch::equal(p[1].value, q[1].value));

  CHECK_THROWS_WITH_AS(
      late.update(p, {g}, 0.1),
      "rolewise: optimizer: was started for 2 parameters, was handed 2 of them with 1 gradients",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)sgd{.momentum = 1.0}.start(p),
      "rolewise: sgd: want learning_rate >= 0, momentum in [0, 1) and weight_decay >= 0, "
      "got 0.1, 1 and 0.0005",
      std::invalid_argument);
  CHECK_THROWS_AS((void)adam{.beta2 = 1.0}.start(p), std::invalid_argument);
  CHECK_THROWS_AS((void)adamw{.epsilon = 0.0}.start(p), std::invalid_argument);
}

TEST_CASE("the copy of an optimizer's state shares no buffer")
{
  const auto p = two_parameters(), q = two_parameters();
  auto state = sgd{}.start(p);
  const std::vector<torch::Tensor> g{torch::ones({2, 2}, wide), torch::ones({1}, wide)};
  state.update(p, g, 0.1);
  auto copy = state;
  state.update(p, g, 0.1);
  std::vector<torch::Tensor> original, copied;
  for_each_tensor(state, [&](auto&&, torch::Tensor& t, tensor_kind) { original.push_back(t); });
  for_each_tensor(copy, [&](auto&&, torch::Tensor& t, tensor_kind) { copied.push_back(t); });
  REQUIRE(original.size() == 2);
  CHECK_FALSE(torch::allclose(original[0], copied[0]));
}

TEST_CASE("schedules have their reference values")
{
  const auto at = [](std::int64_t step) {
    return training_progress{
        .epoch = step / 5, .step = step % 5, .epochs = 2, .steps_per_epoch = 5};
  };
  CHECK(constant_lr{}(at(7)) == 1.0);
  CHECK(cosine_annealing{}(at(0)) == 1.0);
  CHECK(cosine_annealing{}(at(1)) == doctest::Approx(0.97552825814757682).epsilon(1e-14).scale(0));
  CHECK(cosine_annealing{}(at(5)) == doctest::Approx(0.5).epsilon(1e-14).scale(0));
  CHECK(cosine_annealing{}(at(9)) == doctest::Approx(0.024471741852423234).epsilon(1e-14).scale(0));
  CHECK(cosine_annealing{.lowest = 0.1}(at(5)) == doctest::Approx(0.55).epsilon(1e-14).scale(0));

  CHECK(exponential_lr{}(at(0)) == 1.0);
  CHECK(exponential_lr{}(at(7)) == doctest::Approx(0.993020965034979).epsilon(1e-14).scale(0));

  const multi_step_lr steps{.at = {0.5, 0.8}, .factor = 0.1};
  CHECK(steps(at(4)) == 1.0);
  CHECK(steps(at(5)) == doctest::Approx(0.1));
  CHECK(steps(at(7)) == doctest::Approx(0.1));
  CHECK(steps(at(8)) == doctest::Approx(0.01));
  CHECK_THROWS_WITH_AS((void)multi_step_lr{.at = {1.5}}(at(0)),
                       "rolewise: multi_step_lr: want shares of the run in [0, 1], got 1.5",
                       std::invalid_argument);

  const warm_up<cosine_annealing> rising{.epochs = 1};
  CHECK(rising(at(0)) == doctest::Approx(0.2));
  CHECK(rising(at(4)) == 1.0);
  CHECK(rising(at(5)) == 1.0);
  CHECK(rising(at(6)) == doctest::Approx(0.5 * (1.0 + std::cos(std::acos(-1.0) / 5.0))));
  CHECK(warm_up<constant_lr>{.epochs = 0}(at(0)) == 1.0);
  CHECK(warm_up<>{.epochs = 9}(at(9)) == doctest::Approx(10.0 / 45.0));
}

TEST_CASE("gradients are clipped to a common length, and short ones are left alone")
{
  const auto a = torch::tensor({3.0, 4.0}, wide), b = torch::tensor({12.0}, wide);
  clip_gradients{.norm = 5.0}({a, torch::Tensor{}, b});
  check_close({a[0].item<double>(), a[1].item<double>(), b.item<double>()},
              {1.1538460650887643, 1.5384614201183524, 4.6153842603550572});
  const auto before = a.clone();
  clip_gradients{.norm = 100.0}({a, b});
  CHECK(torch::equal(a, before));
  const auto nothing = torch::zeros({2}, wide);
  clip_gradients{}({nothing});
  CHECK(torch::equal(nothing, torch::zeros({2}, wide)));
  CHECK_THROWS_AS(clip_gradients{.norm = 0.0}({a}), std::invalid_argument);
}

TEST_CASE("a moving average follows the student, its buffers and its values")
{
  const auto data = tiny_data(4);
  tiny_student student{data.shape, seed{1}};
  auto averaged = student;
  auto expected = student.parameters()[0].value.detach().clone();
  const ema slow{.decay = 0.5, .ramp = false}, ramped{.decay = 0.5};
  {
    const torch::NoGradGuard without_graph;
    student.parameters()[0].value.add_(1.0);
  }
  (void)student.forward(data.examples());
  slow(averaged, student, 0);
  CHECK(torch::allclose(averaged.parameters()[0].value, expected + 0.5));
  CHECK(averaged.all_outputs() == 1);
  ramped(averaged, student, 0);  // d = 1 / 10
  CHECK(torch::allclose(averaged.parameters()[0].value, expected + 0.5 * 0.1 + 0.9));
  ema{.decay = 0.0}(averaged, student, 5);
  CHECK(same_tensors(averaged, student));
  CHECK(averaged.parameters()[0].value.requires_grad());
  CHECK_THROWS_AS(ema{.decay = 1.0}(averaged, student, 0), std::invalid_argument);
}

namespace {

/// A teacher that records the batches it receives.
struct spying_teacher {
  static constexpr bool has_state = false;
  std::shared_ptr<std::vector<batch>> seen = std::make_shared<std::vector<batch>>();

  [[nodiscard]] outputs forward(const batch& examples, taps) const
  {
    seen->push_back(examples);
    return {.logits = torch::linspace(-1, 1, 3).expand({examples.size(), 3}), .features = {}};
  }
};

struct spying_student : tiny_student {
  using tiny_student::tiny_student;
  std::shared_ptr<std::vector<batch>> seen = std::make_shared<std::vector<batch>>();

  [[nodiscard]] outputs forward(const batch& examples, taps wanted)
  {
    seen->push_back(examples);
    return tiny_student::forward(examples, wanted);
  }
};

/// Adds one gray level, so that a view shows which agent made it.
struct brighter {
  static constexpr std::string_view name = "brighter";
  static constexpr bool has_state = false;
  int by = 1;
  [[nodiscard]] batch operator()(const batch& examples, const training_progress&, seed) const
  {
    auto view = examples;
    view.inputs = examples.inputs + by;
    return view;
  }
};

double first_pixel(const batch& view, const dataset& data)
{
  const double x = view.inputs[0][0][0][0].item<double>();
  return std::round((x * data.normalization.std[0] + data.normalization.mean[0]) * 255.0);
}

constexpr training_progress start{.epoch = 0, .step = 0, .epochs = 3, .steps_per_epoch = 10};

}  // namespace

TEST_CASE("each role is shown its own view, and a shared view is converted once")
{
  const auto data = tiny_data(8);
  const double plain = data.inputs[0][0][0][0].item<double>();

  distillation apart{.teacher = spying_teacher{},
                     .student = spying_student{data.shape},
                     .teacher_agent = brighter{10},
                     .student_agent = brighter{20},
                     .shared_agent = brighter{3},
                     .loss = 0.5 * cross_entropy{} + 0.5 * soft_target_kl{temperature{2}}};
  (void)apart(data.examples(), start);
  CHECK(first_pixel(apart.teacher.seen->at(0), data) == plain + 13);
  CHECK(first_pixel(apart.student.seen->at(0), data) == plain + 23);

  distillation judged{.teacher = spying_teacher{},
                      .student = spying_student{data.shape},
                      .teacher_agent = same_view{},
                      .student_agent = brighter{20},
                      .loss = soft_target_kl{}};
  (void)judged(data.examples(), start);
  CHECK(first_pixel(judged.teacher.seen->at(0), data) == plain + 20);
  const auto& of_teacher = judged.teacher.seen->at(0).inputs;
  CHECK(of_teacher.is_floating_point());
  CHECK(of_teacher.is_same(judged.student.seen->at(0).inputs));
}

TEST_CASE("a supervised step is the same as one by hand")
{
  const auto data = tiny_data(32);
  supervised pretraining{.student = tiny_student{data.shape, seed{2}},
                         .lr_schedule = constant_lr{}};
  auto by_hand = pretraining.student;
  std::vector<torch::Tensor> momentum;
  for (const auto& p : by_hand.parameters()) momentum.push_back(torch::zeros_like(p.value));
  for (int s = 0; s < 4; ++s) {
    const auto numbers = pretraining(data.examples(), start);
    const auto logits = by_hand.forward(data.examples()).logits;
    const auto loss = at::cross_entropy_loss(logits, data.labels);
    loss.backward();
    const torch::NoGradGuard without_graph;
    for (std::size_t i = 0; i < momentum.size(); ++i) {
      auto p = by_hand.parameters()[i].value;
      const auto g = p.grad() + 5e-4 * p;
      momentum[i] = 0.9 * momentum[i] + g;
      p -= 0.1 * (g + 0.9 * momentum[i]);
      p.mutable_grad() = torch::Tensor{};
    }
    CHECK(numbers[0].value.item<float>() ==
          doctest::Approx(loss.item<float>()).epsilon(1e-5).scale(0));
    CHECK(numbers[1].name == "accuracy");
    CHECK(
        numbers[1].value.item<float>() ==
        doctest::Approx(logits.argmax(1).eq(data.labels).to(torch::kFloat32).mean().item<float>()));
  }
  for (std::size_t i = 0; i < momentum.size(); ++i)
    CHECK(torch::allclose(pretraining.student.parameters()[i].value, by_hand.parameters()[i].value,
                          1e-5, 1e-6));
  CHECK_FALSE(pretraining.student.parameters()[0].value.grad().defined());
}

TEST_CASE("the terms of a sum are metrics, between the loss and the accuracy")
{
  const auto data = tiny_data(16);
  distillation training{.teacher = frozen(tiny_student{data.shape, seed{1}}),
                        .student = tiny_student{data.shape, seed{2}},
                        .loss = 0.25 * cross_entropy{} + 0.75 * soft_target_kl{temperature{4}}};
  const auto numbers = training(data.examples(), start);
  REQUIRE(numbers.size() == 4);
  CHECK(numbers[0].name == "loss");
  CHECK(numbers[1].name == "cross-entropy");
  CHECK(numbers[2].name == "soft-target-kl");
  CHECK(numbers[3].name == "accuracy");
  CHECK(numbers[0].value.item<double>() == doctest::Approx(0.25 * numbers[1].value.item<double>() +
                                                           0.75 * numbers[2].value.item<double>()));
}

TEST_CASE("the term of a sum of one loss is a metric, of a loss that is no sum none")
{
  const auto data = tiny_data(16);
  const auto names_of = [](const metrics& numbers) {
    std::vector<std::string> names;
    for (const auto& number : numbers) names.push_back(number.name);
    return names;
  };
  const auto examples = data.examples();
  const auto names_with = [&](const auto& loss) {
    supervised training{.student = tiny_student{data.shape, seed{2}}, .loss = loss};
    return names_of(training(examples, start));
  };
  CHECK((names_with(cross_entropy{}) == std::vector<std::string>{"loss", "accuracy"}));
  CHECK((names_with(0.5 * cross_entropy{}) ==
         std::vector<std::string>{"loss", "cross-entropy", "accuracy"}));

  const outputs said{.logits = torch::zeros({16, data.shape.classes}), .features = {}};
  const auto own_with = [&](const auto& loss) {
    return metrics_of(evaluate_loss_terms(loss, {{}, said}, targets_of(examples, start)));
  };
  CHECK((names_of(own_with(cross_entropy{})) == std::vector<std::string>{"loss"}));
  const auto sum = own_with(0.5 * cross_entropy{});
  CHECK((names_of(sum) == std::vector<std::string>{"loss", "cross-entropy"}));
  CHECK(sum[0].value.item<float>() == 0.5F * sum[1].value.item<float>());
}

TEST_CASE("a combination of gradients is combined tensor by tensor")
{
  const auto data = tiny_data(16);
  const auto teacher = frozen(tiny_student{data.shape, seed{1}});
  distillation training{
      .teacher = teacher,
      .student = tiny_student{data.shape, seed{2}},
      .loss = clipped_to_task<cross_entropy, soft_target_kl>{{}, soft_target_kl{temperature{4}}},
      .optimizer = sgd{.learning_rate = 1.0, .momentum = 0.0, .weight_decay = 0.0},
      .lr_schedule = constant_lr{}};
  auto by_hand = training.student;
  const auto before = training.student;
  const auto numbers = training(data.examples(), start);
  CHECK(numbers.size() == 4);

  const auto examples = data.examples();
  const paired_outputs pair{teacher.forward(examples), by_hand.forward(examples)};
  const targets targets{data.labels, data.ids, start};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto p = by_hand.parameters()[i].value;
    const auto task =
        torch::autograd::grad({evaluate_loss(training.loss.task, pair, targets)}, {p}, {}, true)[0];
    const auto other = torch::autograd::grad(
        {evaluate_loss(training.loss.distillation, pair, targets)}, {p}, {}, true)[0];
    const auto wanted = before.parameters()[i].value - training.loss.combine(task, other, start);
    CHECK(torch::allclose(training.student.parameters()[i].value, wanted, 1e-5, 1e-6));
  }
}

TEST_CASE("steps keep the promises of a training step")
{
  const auto data = tiny_data(24);
  laws::step_holds_for(
      [&] {
        return supervised{.student = tiny_student{data.shape, seed{2}},
                          .agent = pad_crop_flip{},
                          .optimizer = adam{},
                          .clipping = clip_gradients{.norm = 0.1},
                          .ema = ema{}};
      },
      data);
  laws::step_holds_for(
      [&] {
        return distillation{.teacher = frozen(tiny_student{data.shape, seed{1}}),
                            .student = tiny_student{data.shape, seed{2}},
                            .student_agent = pad_crop_flip{},
                            .loss = clipped_to_task<cross_entropy, soft_target_kl>{},
                            .ema = ema{.decay = 0.9}};
      },
      data);
  auto images = tiny_data(8);
  images.inputs = images.inputs.repeat({1, 1, 4, 4});
  images.shape = {.channels = 1, .height = 12, .width = 12, .classes = 3};
  laws::step_holds_for(
      [&] {
        return distillation{.teacher = frozen(resnet8(images.shape)),
                            .student = resnet8(images.shape, {}, {}, {.seed = seed{4}}),
                            .loss = cross_entropy{} + soft_target_kl{},
                            .optimizer = adamw{}};
      },
      images);
}

TEST_CASE("fit evaluates the moving average if there is one")
{
  const auto data = tiny_data(24);
  supervised with{.student = tiny_student{data.shape}, .ema = ema{}};
  supervised without{.student = tiny_student{data.shape}};
  (void)with(data.examples(), start);
  CHECK(&with.evaluated() != &with.student);
  CHECK(&without.evaluated() == &without.student);
}

namespace {

/// A step with known metrics that does not learn.
struct counting_step {
  std::int64_t calls = 0;
  std::int64_t breaks_at = -1;
  std::string second = "size";
  std::vector<training_progress> recorded{};

  metrics operator()(const batch& examples, const training_progress& progress)
  {
    recorded.push_back(progress);
    const double loss =
        calls == breaks_at ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(calls);
    ++calls;
    return {{"loss", torch::tensor(loss)},
            {second, torch::tensor(static_cast<double>(examples.size()))}};
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("calls", calls);
  }
};

/// A step whose loss has another name from the second step on.
struct fickle_step {
  bool first = true;

  metrics operator()(const batch&, const training_progress&)
  {
    const auto* name = std::exchange(first, false) ? "loss" : "cost";
    return {{name, torch::zeros({})}};
  }
  template<typename Archive>
  void visit_state(Archive&)
  {}
};

/// A step that records the views that an agent makes of its batches.
struct witness_step {
  std::vector<torch::Tensor> views{};

  metrics operator()(const batch& examples, const training_progress& progress)
  {
    const auto view = pad_crop_flip{}(examples, progress, seed{3});
    views.push_back(torch::cat({view.inputs.flatten().to(torch::kLong), view.ids}));
    return {{"loss", torch::zeros({})}};
  }
  template<typename Archive>
  void visit_state(Archive&)
  {}
};

}  // namespace

TEST_CASE("fit means metrics over examples, a short last batch included")
{
  const auto data = tiny_data(10);
  counting_step step;
  const auto history = fit(step, data, {.epochs = 2, .batch_size = 4});
  REQUIRE(history.epochs.size() == 2);
  CHECK(step.calls == 6);
  CHECK(history.epochs[0]["loss"] == doctest::Approx((0 * 4 + 1 * 4 + 2 * 2) / 10.0));
  CHECK(history.epochs[1]["loss"] == doctest::Approx((3 * 4 + 4 * 4 + 5 * 2) / 10.0));
  CHECK(history.epochs[0]["size"] == doctest::Approx((16 + 16 + 4) / 10.0));
  CHECK_FALSE(history.epochs[0].learning_rate.has_value());
  CHECK(step.recorded[4] ==
        training_progress{.epoch = 1, .step = 1, .epochs = 2, .steps_per_epoch = 3});
  CHECK_THROWS_WITH_AS((void)history.epochs[0]["f1"],
                       "rolewise: epoch_record: has no number named 'f1'", std::invalid_argument);

  counting_step dropping;
  (void)fit(dropping, data, {.epochs = 1, .batch_size = 4, .drop_last = true});
  CHECK(dropping.calls == 2);
  CHECK(dropping.recorded[0].steps_per_epoch == 2);

  counting_step part;
  const auto middle = fit(part, data, {.epochs = 4, .batch_size = 4, .from = 1, .until = 3});
  CHECK(middle.epochs.size() == 2);
  CHECK(part.recorded.front() ==
        training_progress{.epoch = 1, .step = 0, .epochs = 4, .steps_per_epoch = 3});
}

TEST_CASE("fit stops at a number that is not finite and says where")
{
  const auto data = tiny_data(10);
  counting_step step{.breaks_at = 4};
  CHECK_THROWS_WITH_AS((void)fit(step, data, {.epochs = 3, .batch_size = 4}),
                       "rolewise: fit: 'loss' is nan in epoch 1, step 1", std::runtime_error);

  supervised pretraining{.student = tiny_student{data.shape},
                         .optimizer = sgd{.learning_rate = 1e30, .momentum = 0.0}};
  CHECK_THROWS_AS((void)fit(pretraining, data, {.epochs = 3, .batch_size = 4}), std::runtime_error);
}

namespace {

/// A step whose weight becomes non-finite in one of its updates, while its metrics stay finite.
struct late_step {
  std::int64_t breaks_at = 0;
  double broken = std::numeric_limits<double>::quiet_NaN();
  std::int64_t calls = 0;
  torch::Tensor weight = torch::ones({3}),
                unseen = torch::full({2}, -std::numeric_limits<double>::infinity());

  metrics operator()(const batch&, const training_progress&)
  {
    if (calls++ == breaks_at) weight[1] = broken;
    return {{"loss", torch::tensor(1.0)}};
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("calls", calls);
    archive.parameter("weight", weight);
    archive.buffer("unseen", unseen);
  }
};

/// A learner that predicts the label, until its logit is replaced by `broken`.
struct odd_learner {
  std::int64_t breaks_at = 0;
  double broken = std::numeric_limits<double>::quiet_NaN();
  std::int64_t calls = 0;

  struct oracle {
    double answer = 1.0;
    [[nodiscard]] outputs forward(const batch& examples, taps = {}) const
    {
      auto logits = torch::zeros({examples.size(), 3});
      logits.scatter_(1, examples.labels.unsqueeze(1), answer);
      return {.logits = logits, .features = {}};
    }
  } judged{};

  metrics operator()(const batch&, const training_progress&)
  {
    if (calls++ == breaks_at) judged.answer = broken;
    return {{"loss", torch::tensor(1.0)}};
  }
  [[nodiscard]] const oracle& evaluated() const { return judged; }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("calls", calls);
  }
};

struct counts_epochs {
  static constexpr bool has_state = false;
  int* epochs;
  void on(const epoch_end&) { ++*epochs; }
  void on(const auto&) {}
};

}  // namespace

TEST_CASE("a last update that is not finite is noticed before anything of its epoch is kept")
{
  const auto data = tiny_data(10);
  for (const double broken :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    int epochs = 0;
    late_step step{.breaks_at = 5, .broken = broken};
    CHECK_THROWS_WITH_AS(
        (void)fit(step, data, {.epochs = 3, .batch_size = 4}, counts_epochs{&epochs}),
        "rolewise: fit: 'weight' is not finite after the last step of epoch 1", diverged);
    CHECK(epochs == 1);
  }
  late_step sound{.breaks_at = -1};  // buffers may be non-finite
  CHECK(fit(sound, data, {.epochs = 1, .batch_size = 4}).epochs.size() == 1);

  // One step an epoch: the loss is that of the initial weights.
  supervised pretraining{
      .student = tiny_student{data.shape},
      .optimizer = sgd{.learning_rate = 1e38, .momentum = 0.0, .weight_decay = 1e3},
      .lr_schedule = constant_lr{}};
  CHECK_THROWS_WITH_AS(
      (void)fit(pretraining, data, {.epochs = 1, .batch_size = 10}),
      "rolewise: fit: 'student.first' is not finite after the last step of epoch 0", diverged);
}

TEST_CASE("a validation loss that is not finite ends a run before its accuracy is reported")
{
  const auto data = tiny_data(10), validation = tiny_data(6, seed{9}, "validation");
  for (const double broken :
       {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
    int epochs = 0;
    odd_learner step{.breaks_at = 1, .broken = broken};
    CHECK_THROWS_WITH_AS(
        (void)fit(step, data, {.epochs = 3, .batch_size = 10, .validation = &validation},
                  counts_epochs{&epochs}),
        std::isnan(broken) ? "rolewise: fit: the validation loss on 'validation' is nan in epoch 1"
                           : "rolewise: fit: the validation loss on 'validation' is inf in epoch 1",
        diverged);
    CHECK(epochs == 1);
  }
  odd_learner step{.breaks_at = 0};
  step({}, {});
  CHECK_THROWS_WITH_AS(
      (void)evaluate(step.evaluated(), validation),
      "rolewise: evaluate: the cross-entropy on 'validation' is nan: the network's "
      "logits are not all numbers that can be ordered",
      diverged);
  CHECK_THROWS_AS((void)accuracy(step.evaluated(), validation), diverged);
  // Logits of -infinity can be ordered.
  odd_learner excluding{.breaks_at = 0, .broken = -std::numeric_limits<double>::infinity()};
  excluding({}, {});
  CHECK(evaluate(excluding.evaluated(), validation).loss ==
        std::numeric_limits<double>::infinity());
}

TEST_CASE("no learning rate and no setting beside it may be infinite or NaN")
{
  const auto data = tiny_data(10);
  constexpr double endless = std::numeric_limits<double>::infinity();
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  const std::vector<named_tensor> nothing;
  for (const double bad : {endless, none}) {
    CHECK_THROWS_AS((void)sgd{.learning_rate = bad}.start(nothing), std::invalid_argument);
    CHECK_THROWS_AS((void)adam{.learning_rate = bad}.start(nothing), std::invalid_argument);
    CHECK_THROWS_AS((void)adamw{.learning_rate = bad}.start(nothing), std::invalid_argument);
    CHECK_THROWS_AS((void)sgd{.weight_decay = bad}.start(nothing), std::invalid_argument);
    CHECK_THROWS_AS((void)adam{.epsilon = bad}.start(nothing), std::invalid_argument);
    CHECK_THROWS_AS((void)adamw{.weight_decay = bad}.start(nothing), std::invalid_argument);
    const auto refuses = [&](auto optimizer, auto schedule) {
      supervised pretraining{
          .student = tiny_student{data.shape}, .optimizer = optimizer, .lr_schedule = schedule};
      const auto before = pretraining.student.parameters()[0].value.clone();
      CHECK_THROWS_WITH_AS((void)fit(pretraining, data, {.epochs = 2, .batch_size = 10}),
                           doctest::Contains("rolewise: learning rate: in epoch "),
                           std::invalid_argument);
      CHECK(torch::equal(pretraining.student.parameters()[0].value, before));
    };
    refuses(sgd{.learning_rate = bad}, constant_lr{});
    refuses(adam{.learning_rate = bad}, cosine_annealing{});
    refuses(adamw{.learning_rate = bad}, warm_up<>{.epochs = 1});
    refuses(sgd{.learning_rate = 0.0}, cosine_annealing{.lowest = bad});
    refuses(sgd{}, multi_step_lr{.at = {0.0}, .factor = bad});
    refuses(sgd{}, warm_up<cosine_annealing>{.epochs = 0, .then = {.lowest = bad}});
  }
  supervised pretraining{.student = tiny_student{data.shape},
                         .optimizer = sgd{.learning_rate = endless}};
  CHECK_THROWS_WITH_AS((void)pretraining.learning_rate({}),
                       "rolewise: learning rate: in epoch 0, step 0 it is inf: want a finite rate "
                       "of the optimizer and a finite factor of the schedule, got inf and 1",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)sgd{.learning_rate = endless}.start(nothing),
      "rolewise: sgd: want a finite learning_rate and weight_decay, got inf and 0.0005",
      std::invalid_argument);
}

TEST_CASE("fit refuses what makes no sense")
{
  const auto data = tiny_data(10);
  counting_step step;
  CHECK_THROWS_WITH_AS((void)fit(step, data, {.epochs = 0}),
                       "rolewise: fit: want epochs and batch_size >= 1, got 0 and 128",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)fit(step, data, {.drop_last = true}),
                       "rolewise: fit: drop_last leaves nothing of 10 examples in batches of 128",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)fit(step, data, {.validation = &data}),
      "rolewise: fit: a validation set wants a step with evaluated(), a Student or a Teacher",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)fit(step, data, {.resume = true}),
                       "rolewise: fit: resume wants a callback that keeps the run, such as "
                       "checkpoints{.folder = ...}",
                       std::invalid_argument);
  CHECK_THROWS_AS((void)fit(step, data, {.epochs = 2, .from = 2, .until = 1}),
                  std::invalid_argument);
  dataset empty = tiny_data(0);
  CHECK_THROWS_WITH_AS((void)fit(step, empty, {}), "rolewise: fit: 'tiny' has no examples",
                       std::invalid_argument);

  fickle_step changes;
  CHECK_THROWS_WITH_AS((void)fit(changes, data, {.batch_size = 4}),
                       "rolewise: fit: the step gave the metric 'loss', then 'cost' in its place",
                       std::invalid_argument);
  CHECK(step.calls == 0);
}

TEST_CASE("a second fit continues, and two halves are the whole")
{
  const auto data = tiny_data(40);
  const auto make = [&] {
    return supervised{.student = tiny_student{data.shape}, .agent = pad_crop_flip{}};
  };
  const fit_options whole{.epochs = 4, .batch_size = 16};
  auto once = make(), halves = make();
  (void)fit(once, data, whole);
  auto half = whole;
  half.until = 2;
  (void)fit(halves, data, half);
  CHECK(halves.learner_state.updates() == 6);
  half.from = 2;
  half.until = 4;
  (void)fit(halves, data, half);
  CHECK(same_tensors(once, halves));

  auto again = make();
  (void)fit(again, data, {.epochs = 2, .batch_size = 16});
  (void)fit(again, data, {.epochs = 2, .batch_size = 16});
  CHECK(again.learner_state.updates() == 12);
}

TEST_CASE("a student learns, and its teacher's student too")
{
  const auto train = tiny_data(300), test = tiny_data(200, seed{99});
  supervised pretraining{.student = tiny_student{train.shape}};
  const auto history =
      fit(pretraining, train, {.epochs = 8, .batch_size = 32, .validation = &test});
  CHECK(history.epochs.front()["loss"] > history.epochs.back()["loss"]);
  CHECK(history.best_accuracy.value() > 0.8);
  CHECK(history.epochs.back().validation_accuracy == accuracy(pretraining.student, test));
  CHECK(history.epochs.front().learning_rate == 0.1);

  distillation training{.teacher = frozen(pretraining.student),
                        .student = tiny_student{train.shape, seed{5}, 4},
                        .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{temperature{2}}};
  (void)fit(training, train, {.epochs = 8, .batch_size = 32});
  CHECK(accuracy(training.student, test) > 0.8);
}

namespace {

/// A teacher that returns logits from a table: row n for example n.
struct table_teacher {
  torch::Tensor rows;
  [[nodiscard]] outputs forward(const batch& examples, taps) const
  {
    return {.logits = rows.index_select(0, examples.ids), .features = {}};
  }
};

}  // namespace

TEST_CASE("evaluation counts every example, the last short batch included")
{
  auto data = tiny_data(5);
  data.shape.classes = 7;
  data.labels = torch::tensor({0, 1, 2, 6, 6}, torch::kLong);
  auto rows = torch::zeros({5, 7});
  rows[0][0] = 3.0;                                              // right
  rows[1][4] = 2.0;                                              // wrong: 4 for 1
  rows[1][1] = 1.0;                                              // among five
  rows[2][2] = 9.0;                                              // right
  rows[3] = torch::tensor({7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0});  // last of all
  rows[4] = torch::tensor({7.0, 6.0, 5.0, 4.0, 0.0, 0.0, 3.0});  // fifth
  for (const std::int64_t size : {1, 2, 3, 5, 100}) {
    const auto found = evaluate(table_teacher{rows}, data, {.batch_size = size});
    CHECK(found.count == 5);
    CHECK(found.top1 == doctest::Approx(2.0 / 5.0));
    CHECK(found.top5 == doctest::Approx(4.0 / 5.0));
    CHECK(found.confusion.sum().item<std::int64_t>() == 5);
    CHECK(found.confusion[1][4].item<std::int64_t>() == 1);
    CHECK(found.confusion[6][0].item<std::int64_t>() == 2);
    CHECK(found.confusion[2][2].item<std::int64_t>() == 1);
    CHECK(found.loss ==
          doctest::Approx(
              at::cross_entropy_loss(rows.to(torch::kFloat64), data.labels).item<double>()));
  }
  data.shape.classes = 3;
  CHECK_THROWS_WITH_AS((void)evaluate(table_teacher{rows}, data),
                       "rolewise: evaluate: want logits [5, 3], got [5, 7]", std::invalid_argument);
  CHECK_THROWS_AS((void)evaluate(table_teacher{rows}, tiny_data(0)), std::invalid_argument);
}

TEST_CASE("with few classes every label is in the top five, and evaluation changes no student")
{
  const auto data = tiny_data(20);
  tiny_student student{data.shape};
  auto before = student;
  const auto found = evaluate(student, data, {.batch_size = 8});
  CHECK(found.top5 == 1.0);
  CHECK(same_tensors(student, before));
  CHECK(student.all_outputs() == 0);
  CHECK(found.top1 == accuracy(frozen(student), data));
}

TEST_CASE("views, batches and what is learned from them are repeatable")
{
  auto data = tiny_data(24);
  data.inputs = data.inputs.repeat({1, 1, 3, 3});
  data.shape = {.channels = 1, .height = 9, .width = 9, .classes = 3};
  const auto threads_before = at::get_num_threads();
  std::vector<torch::Tensor> seen;
  for (const int threads : {1, 2, 4}) {
    at::set_num_threads(threads);
    witness_step sees;
    (void)fit(sees, data, {.epochs = 2, .batch_size = 10, .seed = seed{8}});
    const auto all = torch::cat(sees.views);
    if (!seen.empty()) CHECK(torch::equal(all, seen.front()));
    seen.push_back(all);

    // With the same number of threads, training is equal bit for bit.
    const auto make = [&] {
      return supervised{.student = resnet8(data.shape), .agent = pad_crop_flip{}};
    };
    auto one = make(), two = make();
    const auto a = fit(one, data, {.batch_size = 16});
    const auto b = fit(two, data, {.batch_size = 16});
    CHECK(same_results(a, b));
    CHECK(same_tensors(one, two));
  }
  at::set_num_threads(threads_before);
}

namespace {

/// A tiny student with a square weight that is used twice, and is listed under one name or two.
template<bool twice>
class tied_student {
 public:
  explicit tied_student(const sample_shape& shape, seed key = {})
      : inputs_{shape.channels * shape.height * shape.width},
        square_{rolewise::testing::drawn(key.split(purpose{"square"}), {inputs_, inputs_})
                    .set_requires_grad(true)},
        last_{rolewise::testing::drawn(key.split(purpose{"last"}), {shape.classes, inputs_})
                  .set_requires_grad(true)}
  {}
  tied_student(const tied_student& other) : inputs_{other.inputs_}
  {
    square_ = other.square_.detach().clone().set_requires_grad(true);
    last_ = other.last_.detach().clone().set_requires_grad(true);
  }
  tied_student& operator=(const tied_student& other)
  {
    auto copy = other;
    std::swap(*this, copy);
    return *this;
  }
  tied_student(tied_student&&) noexcept = default;
  tied_student& operator=(tied_student&&) noexcept = default;
  ~tied_student() = default;

  [[nodiscard]] outputs forward(const batch& examples, taps = {}) { return predict(examples); }
  [[nodiscard]] outputs predict(const batch& examples, taps = {}) const
  {
    const auto x = normalized_inputs(examples).reshape({-1, inputs_});
    return {.logits = x.matmul(square_).relu().matmul(square_.t()).relu().matmul(last_.t()),
            .features = {}};
  }
  [[nodiscard]] std::vector<named_tensor> parameters() const
  {
    if (twice) return {{"encoder", square_}, {"decoder", square_}, {"last", last_}};
    return {{"encoder", square_}, {"last", last_}};
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("encoder", square_);
    if (twice) archive.parameter("decoder", square_);
    archive.parameter("last", last_);
  }

 private:
  std::int64_t inputs_;
  torch::Tensor square_, last_;
};

static_assert(Student<tied_student<true>>);

/// The parameters of a tied student and of its average after three steps of a method.
template<bool twice, typename Loss, typename OptimizerType>
std::vector<torch::Tensor> after_three_steps(const Loss& loss, const OptimizerType& method)
{
  const auto data = tiny_data(12);
  distillation training{.teacher = frozen(tiny_student{data.shape, seed{1}}),
                        .student = tied_student<twice>{data.shape, seed{2}},
                        .loss = loss,
                        .optimizer = method,
                        .clipping = clip_gradients{.norm = 0.5},
                        .ema = ema{.decay = 0.7, .ramp = false}};
  for (int i = 0; i < 3; ++i) (void)training(data.examples(), start);
  std::vector<torch::Tensor> found;
  for (const auto* student : {&std::as_const(training.student), training.learner_state.averaged()})
    for (const auto& p : student->parameters())
      if (p.name != "decoder") found.push_back(p.value.detach());
  return found;
}

template<typename Loss, typename OptimizerType>
void check_tied(const Loss& loss, const OptimizerType& method)
{
  const auto once = after_three_steps<false>(loss, method),
             twice = after_three_steps<true>(loss, method);
  REQUIRE(once.size() == twice.size());
  for (std::size_t i = 0; i < once.size(); ++i) CHECK(torch::equal(once[i], twice[i]));
}

}  // namespace

TEST_CASE("a weight that is listed under two names is learned, decayed and averaged once")
{
  const clipped_to_task combined{.task = cross_entropy{}, .distillation = soft_target_kl{}};
  const auto sum = 0.5 * cross_entropy{} + 0.5 * soft_target_kl{};
  check_tied(combined, sgd{.learning_rate = 0.05});
  check_tied(combined, adam{.learning_rate = 0.01});
  check_tied(combined, adamw{.learning_rate = 0.01});
  check_tied(sum, sgd{.learning_rate = 0.05});
  check_tied(sum, adamw{.learning_rate = 0.01});

  // The same for an optimizer alone, and for gradient clipping.
  const auto w = torch::ones({3}, wide), g = torch::full({3}, 2.0, wide);
  const std::vector<named_tensor> both{{"a", w}, {"b", w}};
  auto state = sgd{.momentum = 0.5, .nesterov = false, .weight_decay = 0.0}.start(both);
  state.update(both, {g.clone(), g.clone()}, 0.1);
  CHECK(torch::allclose(w, torch::full({3}, 0.8, wide)));
  state.update(both, {torch::Tensor{}, g.clone()}, 0.0);
  const auto clipped = torch::full({1}, 3.0, wide);
  clip_gradients{.norm = 1.5}({clipped, clipped});
  CHECK(clipped.item<double>() == doctest::Approx(1.5));
}

TEST_CASE("gradients of 16 bits are clipped by a length in single precision")
{
  const auto g = torch::full({100}, 3e4, torch::kHalf);  // the norm is 3e5
  clip_gradients{.norm = 10.0}({g});
  CHECK((g.to(torch::kFloat) - 1.0).abs().max().item<double>() <= 0x1p-10);
}

namespace {

/// Two linear layers that share one tensor.
struct tied_body {
  torch::Tensor a, b;

  tied_body() : a{torch::ones({2, 2}).set_requires_grad(true)}, b{a} {}
  [[nodiscard]] outputs forward(const torch::Tensor& x, phase, taps) const
  {
    return {.logits = x.flatten(1).matmul(a).matmul(b), .features = {}};
  }
  [[nodiscard]] std::vector<layer_report> layers() const { return {}; }
  [[nodiscard]] std::string name() const { return "tied"; }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("a", a);
    archive.parameter("b", b);
  }
};

}  // namespace

TEST_CASE("the copy of a network has tied weights where the original has")
{
  network original{tied_body{}};
  const auto copy = original;
  CHECK(copy.body().a.is_same(copy.body().b));
  CHECK(copy.body().a.requires_grad());
  CHECK_FALSE(copy.body().a.is_alias_of(original.body().a));
  original.to(torch::kCPU);
  CHECK(original.body().a.is_same(original.body().b));
}

namespace {

/// A callback that counts steps in a variable outside the run.
struct step_counter {
  static constexpr bool has_state = false;
  std::int64_t* steps;
  void on(const step_end&) { ++*steps; }
  void on(const auto&) {}
};

/// Whether a run is refused; if so, checks that it is before the first step.
template<typename Step>
bool is_refused_at_once(Step step, const dataset& data, const fit_options& options)
{
  std::int64_t steps = 0;
  try {
    (void)fit(step, data, options, step_counter{&steps});
  } catch (const std::invalid_argument& error) {
    CHECK(steps == 0);
    CHECK(std::string{error.what()}.find("drop_last leaves it out") != std::string::npos);
    return true;
  }
  CHECK(steps > 0);
  return false;
}

dataset blank_data(std::int64_t count, const sample_shape& shape)
{
  dataset data;
  data.shape = shape;
  data.inputs = torch::arange(count * shape.channels * shape.height * shape.width)
                    .mul(37)
                    .remainder(256)
                    .to(torch::kByte)
                    .view({count, shape.channels, shape.height, shape.width});
  data.labels = torch::arange(count).remainder(shape.classes);
  data.ids = torch::arange(count);
  data.name = "blank";
  return data;
}

}  // namespace

TEST_CASE("a last batch of one that batch norm would refuse is refused before the first step")
{
  const sample_shape pixel{.channels = 1, .height = 4, .width = 4, .classes = 3},
      larger{.channels = 1, .height = 5, .width = 5, .classes = 3};
  const auto data = blank_data(5, pixel);
  supervised pretraining{.student = resnet8(pixel)};  // its last maps are of one pixel
  CHECK_THROWS_WITH_AS(
      (void)fit(pretraining, data, {.batch_size = 4}),
      "rolewise: fit: the last of 2 batches of an epoch has one example (5 in batches of 4), and "
      "the step cannot learn from one: batch_norm: want more than one value per channel in "
      "training, got [1, 64, 1, 1]; drop_last leaves it out, and so does one example less; or take "
      "another batch_size",
      std::invalid_argument);
  CHECK(pretraining.learner_state.updates() == 0);
  CHECK_THROWS_WITH_AS(
      (void)fit(pretraining, data, {.batch_size = 1}),
      "rolewise: fit: the step cannot learn from one example: batch_norm: want more than one value "
      "per channel in training, got [1, 64, 1, 1]; batch_size is 1, take a larger one",
      std::invalid_argument);
  CHECK_FALSE(is_refused_at_once(pretraining, data, {.batch_size = 4, .drop_last = true}));
  CHECK_FALSE(is_refused_at_once(pretraining, data, {.batch_size = 3}));
  CHECK_FALSE(is_refused_at_once(pretraining, data, {.batch_size = 5}));
  CHECK_FALSE(is_refused_at_once(supervised{.student = resnet8(larger)}, blank_data(5, larger),
                                 {.batch_size = 4}));
  CHECK_FALSE(
      is_refused_at_once(supervised{.student = tiny_student{pixel}}, data, {.batch_size = 4}));
  CHECK(is_refused_at_once(distillation{.teacher = frozen(tiny_student{pixel}),
                                        .student = resnet8(pixel),
                                        .loss = soft_target_kl{}},
                           data, {.batch_size = 2}));

  // An error that two examples cause as well is not one of the last batch.
  supervised misfit{.student = tiny_student{larger}};
  CHECK_THROWS_AS((void)fit(misfit, data, {.batch_size = 4}), c10::Error);
}

TEST_CASE("a last batch of one that an agent would refuse is refused before the first step")
{
  const auto data = tiny_data(5);
  const tiny_student student{data.shape};
  CHECK(is_refused_at_once(supervised{.student = student, .agent = mixup{.classes = 3}}, data,
                           {.epochs = 2, .batch_size = 4}));
  CHECK_FALSE(is_refused_at_once(supervised{.student = student, .agent = mixup{.partners = data}},
                                 data, {.epochs = 2, .batch_size = 4}));
  CHECK(is_refused_at_once(distillation{.teacher = frozen(student),
                                        .student = student,
                                        .shared_agent = cutmix{.classes = 3},
                                        .loss = soft_target_kl{}},
                           data, {.batch_size = 2}));

  // A mixture mixes some examples in some epochs: only the runs that would fail are refused.
  int refused = 0;
  for (std::uint64_t key = 0; key < 12; ++key)
    refused += is_refused_at_once(
        supervised{.student = student,
                   .agent = random_choice{{3.0, 1.0}, no_agent{}, mixup{.classes = 3}},
                   .seed = seed{key}},
        data, {.epochs = 3, .batch_size = 2});
  CHECK(refused > 0);
  CHECK(refused < 12);
}

TEST_CASE("labels that are no classes are found before the first step, and in evaluation")
{
  auto data = tiny_data(40);
  supervised pretraining{.student = tiny_student{data.shape}};
  const tiny_student student{data.shape};
  for (const std::int64_t label : {-100, -1, 3, 7}) {
    auto wrong = tiny_data(40);
    wrong.labels[17] = label;
    const auto words = [&](const char* who) {
      return c10::str("rolewise: ", who, ": want labels in 0 .. 2, got ", label,
                      " for example 17 of 'tiny'");
    };
    const std::string in_evaluation = words("evaluate"), in_fit = words("fit");
    CHECK_THROWS_WITH_AS((void)evaluate(student, wrong), in_evaluation.c_str(),
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS((void)accuracy(student, wrong, {.batch_size = 5}), in_evaluation.c_str(),
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS((void)fit(pretraining, wrong, {.batch_size = 8}), in_fit.c_str(),
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS((void)fit(pretraining, data, {.batch_size = 8, .validation = &wrong}),
                         in_fit.c_str(), std::invalid_argument);
    CHECK(pretraining.learner_state.updates() == 0);

    // Here labels are used only to count right answers.
    distillation training{.teacher = frozen(student), .student = student, .loss = soft_target_kl{}};
    (void)fit(training, wrong, {.batch_size = 8});
    CHECK(training.learner_state.updates() == 5);
  }
  data.labels = torch::ones({40, 1});
  CHECK_THROWS_WITH_AS((void)evaluate(student, data),
                       "rolewise: evaluate: want labels [40] of Long, got [40, 1] of Float",
                       std::invalid_argument);

  // A student may have more classes than the data set.
  auto more = tiny_data(40);
  more.shape.classes = 2;
  supervised wider{.student = tiny_student{data.shape}};
  (void)fit(wider, more, {.batch_size = 8});
  CHECK(wider.learner_state.updates() == 5);
}
