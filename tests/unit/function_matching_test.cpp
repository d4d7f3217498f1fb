// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Function matching: the views of its modes, its loss, optimizer and schedule, and distances.
#include "support/doctest.hpp"

#include "laws/augmentation_agent.hpp"
#include "laws/learning_rate_schedule.hpp"
#include "laws/optimizer.hpp"
#include "laws/training_step.hpp"
#include "support/noise_images.hpp"
#include "support/resumed_run.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/cyclic_mixup.hpp>
#include <rolewise/agent/remembered.hpp>
#include <rolewise/agent/views.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/measurement/distance_to_teacher.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/support/serial_scope.hpp>
#include <rolewise/systems/function_matching.hpp>
#include <rolewise/teacher/ensemble_teacher.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/decoupled_adamw.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/learning_rate_schedule.hpp>
#include <rolewise/train/snapshot.hpp>
#include <rolewise/train/supervised.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::goes_on_with_the_same_bits;
using rolewise::testing::noise_images;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;
using systems::input_mode;
using systems::matching_loss;
using systems::views_of;

[[nodiscard]] torch::Tensor row(std::vector<double> values)
{
  return torch::tensor(values, torch::kDouble).unsqueeze(0);
}

[[nodiscard]] paired_outputs pair_of(const torch::Tensor& teacher, const torch::Tensor& student)
{
  return {.teacher = {.logits = teacher, .features = {}},
          .student = {.logits = student, .features = {}}};
}

template<typename F>
[[nodiscard]] bool refuses(const F& call, const std::string& words)
{
  std::string message = "accepted";
  try {
    call();
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }
  CAPTURE(message);
  CHECK(message.find(words) != std::string::npos);
  return message.find(words) != std::string::npos;
}

/// A network whose logits are the examples, times a matrix.
struct table {
  torch::Tensor matrix;

  [[nodiscard]] outputs forward(const batch& examples, taps = {}) const
  {
    return {.logits = examples.inputs.to(torch::kDouble).mm(matrix), .features = {}};
  }
};

/// What a network was shown, call by call.
using shown_log = std::shared_ptr<std::vector<batch>>;

struct watched_teacher {
  static constexpr bool has_state = false;

  frozen_teacher<tiny_student> teacher;
  shown_log seen = std::make_shared<std::vector<batch>>();

  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {}) const
  {
    seen->push_back(examples);
    seen->back().inputs = examples.inputs.clone();
    return teacher.forward(examples, wanted);
  }
};

class watched_student : public tiny_student {
 public:
  watched_student(const sample_shape& shape, seed key, shown_log seen)
      : tiny_student{shape, key}, seen_{std::move(seen)}
  {}

  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {})
  {
    seen_->push_back(examples);
    seen_->back().inputs = examples.inputs.clone();
    return tiny_student::forward(examples, wanted);
  }

 private:
  shown_log seen_;
};

static_assert(Student<watched_student>);

/// What both networks see of a run: of both halves of it, the second of which begins anew.
struct both_logs {
  std::vector<batch> teacher, student;
  std::uint64_t state = 0;
};

template<input_mode Mode>
[[nodiscard]] both_logs run_of(const dataset& data, std::int64_t prefetch, bool in_halves)
{
  const auto seen = views_of<Mode>(systems::matching_views{
      .view = systems::heavy_view(0.1), .classes = data.shape.classes, .seed = seed{5}});
  const auto to_teacher = std::make_shared<std::vector<batch>>(),
             to_student = std::make_shared<std::vector<batch>>();
  const auto make = [&] {
    return distillation{
        .teacher = watched_teacher{frozen(tiny_student{data.shape, seed{1}}), to_teacher},
        .student = watched_student{data.shape, seed{2}, to_student},
        .teacher_agent = seen.teacher_agent,
        .student_agent = seen.student_agent,
        .loss = matching_loss(temperature{2}),
        .seed = seen.seed};
  };
  fit_options options{.epochs = 2, .batch_size = 16, .prefetch = prefetch, .num_workers = 2};
  auto step = make();
  if (in_halves) {
    options.until = 1;
    fit(step, data, options);
    const auto kept = snapshot_of(step);
    step = make();
    restore(step, kept);
    options.from = 1;
    options.until = -1;
  }
  fit(step, data, options);
  return {*to_teacher, *to_student, state_sum(step.student)};
}

}  // namespace

TEST_CASE("function matching: both networks see the same pixels, with threads and after a restore")
{
  const auto data = noise_images(64);
  const auto check = [&]<input_mode Mode>() {
    const auto plain = run_of<Mode>(data, 0, false);
    REQUIRE(plain.teacher.size() == 8);
    for (const auto& run : {plain, run_of<Mode>(data, 3, false), run_of<Mode>(data, 0, true),
                            run_of<Mode>(data, 3, true)}) {
      REQUIRE(run.teacher.size() == plain.teacher.size());
      REQUIRE(run.student.size() == plain.teacher.size());
      for (std::size_t i = 0; i < run.teacher.size(); ++i) {
        CHECK(torch::equal(run.teacher[i].inputs, run.student[i].inputs));
        CHECK(torch::equal(run.teacher[i].inputs, plain.teacher[i].inputs));
      }
      CHECK(run.state == plain.state);
    }
    CHECK_FALSE(torch::equal(plain.teacher[0].inputs, plain.teacher[4].inputs));
    return plain;
  };
  const auto same = check.operator()<input_mode::consistent_teaching>();
  const auto mixed = check.operator()<input_mode::function_matching>();
  CHECK_FALSE(same.student[0].partners.defined());
  CHECK(mixed.student[0].partners.defined());
  CHECK_FALSE(torch::equal(same.student[0].inputs, mixed.student[0].inputs));
}

TEST_CASE("function matching: independent noise differs, and keys that change places change views")
{
  const auto data = noise_images(256);
  const auto run = run_of<input_mode::independent_noise>(data, 2, false);
  std::int64_t differ = 0, all = 0;
  for (std::size_t i = 0; i < run.teacher.size(); ++i) {
    CHECK(torch::equal(run.teacher[i].ids, run.student[i].ids));
    differ += (run.teacher[i].inputs != run.student[i].inputs)
                  .flatten(1)
                  .any(1)
                  .sum()
                  .item<std::int64_t>();
    all += run.teacher[i].size();
  }
  CHECK(all == 512);
  CHECK(static_cast<double>(differ) > 0.99 * static_cast<double>(all));

  const auto seen = views_of<input_mode::independent_noise>(
      systems::matching_views{.view = systems::heavy_view(), .seed = seed{5}});
  const auto examples = data.examples();
  const training_progress progress{.epoch = 1, .epochs = 2};
  const auto views = make_views(examples, seen.teacher_agent, seen.student_agent, seen.shared_agent,
                                progress, seen.seed);
  const auto by_key = [&](role who) {
    return seen.student_agent(examples, progress, seen.seed.split(who)).inputs;
  };
  CHECK(torch::equal(views.teacher.inputs, by_key(role::teacher)));
  CHECK(torch::equal(views.student.inputs, by_key(role::student)));
  CHECK(torch::equal(seen.teacher_agent(examples, progress, seen.seed.split(role::student)).inputs,
                     views.student.inputs));
}

TEST_CASE("function matching: mixup by the batch's own previous example, one share for all")
{
  const auto x = torch::tensor({0.0, 1.0, 2.0}, torch::kDouble).view({3, 1, 1, 1});
  const auto mixed = [&](double a) {
    return rolewise::detail::blended_with_previous(x, rolewise::detail::larger_share(a)).flatten();
  };
  CHECK(torch::allclose(mixed(.3), torch::tensor({.6, .7, 1.7}, torch::kDouble), 0.0, 1e-12));
  CHECK(torch::equal(mixed(.3), mixed(1.0 - .3)));

  // The agent: a share in [1/2, 1], uniform for alpha 1; images and labels alike.
  std::int64_t above = 0;
  for (std::int64_t i = 0; i < 400; ++i) {
    const batch examples{torch::eye(3, torch::kDouble).view({3, 3, 1, 1}),
                         torch::tensor({0, 1, 2}, torch::kLong), torch::arange(3) + i};
    const auto view = cyclic_mixup{.classes = 3}(examples, {}, seed{1});
    const auto share = view.inputs[0][0].item<double>();
    if (!(share >= 0.5 && share <= 1.0)) FAIL("a share below 1/2");
    above += share > 0.75;
    CHECK(torch::allclose(view.inputs.flatten(1).to(torch::kFloat), view.labels));
    CHECK(torch::equal(view.partners, torch::tensor({2, 0, 1}, torch::kLong) + i));
    CHECK(torch::allclose(view.inputs.flatten(1),
                          share * torch::eye(3, torch::kDouble) +
                              (1.0 - share) * torch::eye(3, torch::kDouble).roll(1, 0)));
  }
  CHECK(std::abs(above - 200) < 40);

  for (const std::int64_t channels : {1, 3}) laws::hold_for(cyclic_mixup{.classes = 7}, channels);
  const auto bytes = noise_images(4).examples();
  const auto view = cyclic_mixup{.classes = 4}(bytes, {}, seed{1});
  CHECK((view.inputs.scalar_type() == torch::kByte));
  CHECK(torch::equal(cyclic_mixup{.classes = 4}(bytes, {.epoch = 0, .step = 3}, seed{1}).inputs,
                     view.inputs));
  CHECK_FALSE(
      torch::equal(cyclic_mixup{.classes = 4}(bytes, {.epoch = 1}, seed{1}).inputs, view.inputs));
  auto one = noise_images(1).examples();
  CHECK(torch::equal(cyclic_mixup{.classes = 4}(one, {}, seed{1}).inputs, one.inputs));
  auto unlabeled = bytes;
  unlabeled.labels = torch::Tensor{};
  CHECK(torch::equal(cyclic_mixup{}(unlabeled, {}, seed{1}).inputs, view.inputs));
  CHECK(refuses([&] { (void)cyclic_mixup{}(bytes, {}, seed{1}); }, "set .classes"));
  CHECK(refuses([&] { (void)cyclic_mixup{.classes = 4}(view, {}, seed{1}); }, "mixed already"));
  CHECK(refuses([&] { (void)cyclic_mixup{.alpha = 0.0}(bytes, {}, seed{1}); }, "alpha is 0"));
}

TEST_CASE("function matching: the teacher runs on the mixed image, its outputs are not mixed")
{
  const auto images = torch::eye(2, torch::kDouble).view({2, 2, 1, 1});
  const auto of_linear = [](const torch::Tensor& x) { return 4.0 * x.flatten(1); };
  const auto of_mixed = of_linear(rolewise::detail::blended_with_previous(images, .7)).softmax(1);
  const auto mixed = rolewise::detail::blended_with_previous(of_linear(images).softmax(1), .7);
  CHECK(std::abs(of_mixed[0][0].item<double>() - .832018) < 1e-6);
  CHECK(std::abs(mixed[0][0].item<double>() - .692806) < 1e-6);

  // In a run, the answer to each batch is that to the mixed images.
  const auto data = tiny_data(8);
  const auto seen = views_of<input_mode::function_matching>(
      systems::matching_views{.view = no_agent{}, .classes = 3, .seed = seed{4}});
  const watched_teacher teacher{frozen(tiny_student{data.shape, seed{1}})};
  distillation step{.teacher = teacher,
                    .student = tiny_student{data.shape, seed{2}},
                    .teacher_agent = seen.teacher_agent,
                    .student_agent = seen.student_agent,
                    .loss = matching_loss(),
                    .seed = seen.seed};
  const auto untrained = step.student;
  const auto numbers = step(data.examples(), {});
  const auto view = seen.student_agent(data.examples(), {}, seen.seed.split(role::student));
  CHECK(torch::equal(teacher.seen->front().inputs, normalized_inputs(view)));
  auto copy = untrained;
  const auto wanted =
      matching_loss()({teacher.teacher.forward(view), copy.forward(view)}, targets{});
  CHECK(numbers.front().value.item<double>() == doctest::Approx(wanted.item<double>()));
}

TEST_CASE("function matching: the loss at four temperatures, whatever the labels are")
{
  const auto teacher = row({2, 1, .1}), student = row({1, .5, -.5});
  const std::vector<std::pair<double, double>> wanted{
      {1.0, .026458}, {2.0, .027179}, {5.0, .025391}, {10.0, .024438}};
  for (const auto& [t, value] : wanted)
    CHECK(std::abs(
              matching_loss(temperature{t})(pair_of(teacher, student), targets{}).item<double>() -
              value) < 1e-6);

  const auto data = tiny_data(24);
  const auto trained = [&](dataset given) {
    const auto seen = views_of<input_mode::function_matching>(
        systems::matching_views{.view = systems::heavy_view(0.25), .classes = 3});
    distillation step{.teacher = frozen(tiny_student{data.shape, seed{1}}),
                      .student = tiny_student{data.shape, seed{2}},
                      .teacher_agent = seen.teacher_agent,
                      .student_agent = seen.student_agent,
                      .loss = matching_loss()};
    const auto history = fit(step, given, {.epochs = 2, .batch_size = 8});
    return std::pair{state_sum(step.student), history.epochs.back()["loss"]};
  };
  auto noisy = data;
  noisy.labels = (data.labels * 7 + torch::arange(24)).remainder(3);
  REQUIRE_FALSE(torch::equal(noisy.labels, data.labels));
  CHECK(trained(noisy) == trained(data));
}

TEST_CASE("function matching: the sum over two teachers has the gradient of twice their mean")
{
  const std::vector<torch::Tensor> teachers{row({2, 1, .1}), row({1, 2, .5})};
  const auto z = row({1, .5, -.5}).set_requires_grad(true);
  const auto sum = matching_loss()(pair_of(teachers[0], z), targets{}) +
                   matching_loss()(pair_of(teachers[1], z), targets{});
  CHECK(std::abs(sum.item<double>() - .249262) < 1e-6);
  const auto slope = torch::autograd::grad({sum}, {z})[0];
  CHECK(torch::allclose(slope, row({.202874, -.207967, .005093}), 0.0, 1e-6));

  const auto mean =
      rolewise::detail::reduced_logits(teachers, mean_probabilities_at(temperature{1}), {0.5, 0.5});
  CHECK(std::abs(matching_loss()(pair_of(mean, z), targets{}).item<double>() - .024912) < 1e-6);
  const auto of_mean = matching_loss(temperature{1}, 2)(pair_of(mean, z), targets{});
  CHECK(torch::allclose(torch::autograd::grad({of_mean}, {z})[0], slope, 0.0, 1e-9));
}

TEST_CASE("function matching: weight decay outside of the learning rate")
{
  // A gradient of 1 with epsilon 1 has the direction 1 / (1 + 1) in the first step.
  const auto stepped = [](const auto& optimizer) {
    const std::vector<named_tensor> parameters{{"w", torch::ones({1, 1}, torch::kDouble)}};
    auto state = optimizer.start(parameters);
    state.update(parameters, {torch::ones({1, 1}, torch::kDouble)}, .5 * optimizer.learning_rate);
    return parameters[0].value.template item<double>();
  };
  const decoupled_adamw outside{.learning_rate = .03, .epsilon = 1.0, .weight_decay = 3e-4};
  CHECK(std::abs(stepped(outside) - .992350) < 1e-6);
  const adamw usual{.learning_rate = .03, .epsilon = 1.0, .weight_decay = 3e-4};
  CHECK(std::abs(stepped(usual) - .992495) < 1e-6);
  // Without decay they are one.
  CHECK(stepped(decoupled_adamw{.learning_rate = .03, .epsilon = 1.0, .weight_decay = 0.0}) ==
        stepped(adamw{.learning_rate = .03, .epsilon = 1.0, .weight_decay = 0.0}));
  // Another learning rate leaves the decay as it is.
  CHECK(std::abs((1.0 - stepped(decoupled_adamw{
                            .learning_rate = .003, .epsilon = 1.0, .weight_decay = 3e-4})) -
                 .5 * (.003 * .5 + 3e-4)) < 1e-9);
  laws::hold_for(decoupled_adamw{});
  CHECK(refuses([] { (void)decoupled_adamw{.learning_rate = 0.0}.start({}); },
                "want a learning_rate that is not 0"));
  CHECK(refuses([] { (void)decoupled_adamw{.beta1 = 1.0}.start({}); }, "decoupled_adamw: want"));
}

TEST_CASE("function matching: warm-up by steps, then a cosine over the rest of the run")
{
  constexpr std::int64_t images = 1'255'544, size = 4096, total = 1200 * images / size, warm = 5000;
  static_assert(total == 367'835);
  const warm_up_steps<> schedule{.steps = warm};
  const auto rate = [&](std::int64_t step) {
    return .03 * schedule({.epoch = 0, .step = step, .epochs = 1, .steps_per_epoch = total});
  };
  CHECK(rate(0) == 0.0);
  CHECK(std::abs(rate(2500) - .015) < 1e-12);
  CHECK(std::abs(rate(warm) - .03) < 1e-12);
  CHECK(std::abs(rate(warm + (total - warm) / 2) - .015) < 1e-6);
  CHECK(std::abs(rate(total)) < 1e-12);
  // Epochs do not matter, nor does the last step of a run that is all warm-up.
  CHECK(schedule({.epoch = 3, .step = 1, .epochs = 10, .steps_per_epoch = 3000}) ==
        schedule({.epoch = 0, .step = 9001, .epochs = 1, .steps_per_epoch = 30000}));
  laws::hold_for(warm_up_steps<>{.steps = 4});
  laws::hold_for(warm_up_steps<>{.steps = 100});
  laws::hold_for(warm_up_steps<constant_lr>{.steps = 0});
}

TEST_CASE("function matching: questions to the teacher, and a store in the fixed mode alone")
{
  const auto data = noise_images(24);
  const auto steps_of = [&]<input_mode Mode>() {
    const auto seen = views_of<Mode>(
        systems::matching_views{.view = systems::heavy_view(0.25), .classes = data.shape.classes});
    const watched_teacher teacher{frozen(tiny_student{data.shape, seed{1}})};
    const auto count = [&](const auto& asked) {
      distillation step{.teacher = asked,
                        .student = tiny_student{data.shape, seed{2}},
                        .teacher_agent = seen.teacher_agent,
                        .student_agent = seen.student_agent,
                        .loss = matching_loss(),
                        .seed = seen.seed};
      fit(step, data, {.epochs = 3, .batch_size = 8});
      std::int64_t images = 0;
      for (const auto& each : *teacher.seen) images += each.size();
      return std::pair{teacher.seen->size(), images};
    };
    if constexpr (Mode == input_mode::fixed_teacher) {
      const auto stored = count(remembered(teacher, data, seen, 8));
      CHECK(stored.second == 24);  // once for each image
      return stored.first;
    } else {
      CHECK(refuses([&] { (void)remembered(teacher, data, seen); }, "not a fixed one"));
      teacher.seen->clear();
      return count(teacher).first;
    }
  };
  CHECK(steps_of.operator()<input_mode::fixed_teacher>() == 3);  // batches of 8, before the run
  CHECK(steps_of.operator()<input_mode::independent_noise>() == 9);
  CHECK(steps_of.operator()<input_mode::consistent_teaching>() == 9);
  CHECK(steps_of.operator()<input_mode::function_matching>() == 9);

  // What is stored is the answer to the fixed view, that of an agent as well.
  const auto seen = views_of<input_mode::fixed_teacher>(systems::matching_views{
      .view = systems::heavy_view(), .fixed = systems::heavy_view(0.5), .seed = seed{3}});
  const auto teacher = frozen(tiny_student{data.shape, seed{1}});
  const auto view = seen.teacher_agent(data.examples(), {}, seen.seed.split(role::teacher));
  CHECK(torch::equal(remembered(teacher, data, seen).forward(data.examples()).logits,
                     teacher.forward(view).logits));
}

TEST_CASE("function matching: distances to the teacher")
{
  dataset data;
  data.inputs = torch::eye(2);
  data.labels = torch::zeros({2}, torch::kLong);
  data.ids = torch::arange(2);
  data.shape = sample_shape::vector(2, 3);
  const table teachers{torch::cat({row({2, 1, .1}), row({1, 2, .5})})};
  const table student{torch::cat({row({1, .5, -.5}), row({1, .5, -.5})})};
  const auto found = measurement::distance_to_teacher(teachers, student, data, {.batch_size = 1});
  CHECK(found.count == 2);
  CHECK(std::abs(2.0 * found.divergence - .249262) < 1e-6);
  CHECK(found.agreement == 0.5);
  const auto agreement = [&](const torch::Tensor& of_teacher) {
    return measurement::distance_to_teacher(table{torch::cat({of_teacher, of_teacher})}, student,
                                            data)
        .agreement;
  };
  CHECK(agreement(row({2, 1, .1})) == 1.0);
  CHECK(agreement(row({1, 2, .5})) == 0.0);
  CHECK(found.euclidean == doctest::Approx((std::sqrt(1.61) + std::sqrt(3.25)) / 2.0));
  CHECK(measurement::distance_to_teacher(teachers, student, data, {.top_k = 2}).agreement == 1.0);
  const auto self = measurement::distance_to_teacher(teachers, teachers, data);
  CHECK(self.divergence == 0.0);
  CHECK(self.euclidean == 0.0);
  CHECK(self.agreement == 1.0);
  CHECK(refuses(
      [&] { (void)measurement::distance_to_teacher(teachers, student, data, {.top_k = 4}); },
      "want a top_k of 1 to 3, got 4"));
}

TEST_CASE("function matching: a run, with few bits as with many")
{
  const auto data = noise_images(16);
  const auto large = resnet8(data.shape, {.seed = seed{1}});
  // [match]
  const auto seen = systems::views_of<systems::input_mode::function_matching>(
      systems::matching_views{.view = systems::heavy_view(0.25), .classes = data.shape.classes});
  distillation training{.teacher = frozen(large),
                        .student = resnet8(data.shape, dorefa{}, inner_bits<2>),
                        .teacher_agent = seen.teacher_agent,
                        .student_agent = seen.student_agent,
                        .loss = systems::matching_loss(temperature{2}),
                        .optimizer = decoupled_adamw{.learning_rate = 0.003},
                        .lr_schedule = warm_up_steps{.steps = 2},
                        .clipping = clip_gradients{.norm = 1.0},
                        .seed = seen.seed};
  fit(training, data, {.epochs = 2, .batch_size = 8});
  const auto apart = measurement::distance_to_teacher(training.teacher, training.evaluated(), data);
  // [/match]
  CHECK(std::isfinite(apart.divergence));
  distillation full{.teacher = ensemble(std::vector{frozen(large), frozen(large)},
                                        {.reduction = mean_probabilities_at(temperature{2})}),
                    .student = resnet8(data.shape, {.seed = seed{2}}),
                    .teacher_agent = seen.teacher_agent,
                    .student_agent = seen.student_agent,
                    .loss = matching_loss(temperature{2}, 2)};
  auto before = full.teacher;
  const auto history = fit(full, data, {.epochs = 1, .batch_size = 8});
  CHECK(std::isfinite(history.epochs.back()["loss"]));
  CHECK(full.teacher.fingerprint() == before.fingerprint());
}

TEST_CASE("function matching: laws of the step, and the same bits after a restore")
{
  const auto data = tiny_data(24);
  const auto make = [&] {
    const auto seen = views_of<input_mode::function_matching>(
        systems::matching_views{.view = systems::heavy_view(0.25), .classes = 3});
    return distillation{.teacher = frozen(tiny_student{data.shape, seed{1}}),
                        .student = tiny_student{data.shape, seed{2}},
                        .teacher_agent = seen.teacher_agent,
                        .student_agent = seen.student_agent,
                        .loss = matching_loss(),
                        .optimizer = decoupled_adamw{},
                        .lr_schedule = warm_up_steps{.steps = 3}};
  };
  laws::step_holds_for(make, data);
  goes_on_with_the_same_bits(make, data, {.epochs = 4, .batch_size = 8});
}

TEST_CASE("function matching: with a fixed view the distance on other data rises after a minimum")
{
  const support::serial_scope alone;  // six images are not worth other threads
  const auto everything = tiny_data(1000, seed{1}), test = tiny_data(300, seed{2});
  supervised pretraining{.student = tiny_student{everything.shape, seed{1}, 24},
                         .loss = cross_entropy{},
                         .optimizer = sgd{.learning_rate = 0.05}};
  fit(pretraining, everything, {.epochs = 10, .batch_size = 50});
  const auto teacher = frozen(pretraining.student);
  const auto few = subset(everything, torch::arange(6));

  // The mean distance on other data in each quarter of a run, and the least one of the run.
  const auto course = [&]<input_mode Mode>() {
    const auto seen = views_of<Mode>(
        systems::matching_views{.view = systems::heavy_view(0.7), .classes = few.shape.classes});
    distillation step{.teacher = teacher,
                      .student = tiny_student{few.shape, seed{2}, 48},
                      .teacher_agent = seen.teacher_agent,
                      .student_agent = seen.student_agent,
                      .loss = matching_loss(),
                      .optimizer = decoupled_adamw{.learning_rate = 0.003, .weight_decay = 0.0},
                      .lr_schedule = constant_lr{},
                      .seed = seen.seed};
    std::vector<double> quarters(4, 0.0);
    double least = 1e9;
    fit_options part{.epochs = 600, .batch_size = 6};
    for (std::size_t i = 0; i < 20; ++i) {
      part.from = static_cast<std::int64_t>(i) * 30;
      part.until = part.from + 30;
      fit(step, few, part);
      const auto apart = measurement::distance_to_teacher(teacher, step.student, test).divergence;
      quarters[i / 5] += apart / 5.0;
      least = std::min(least, apart);
    }
    return std::pair{quarters, least};
  };
  const auto [fixed, least] = course.operator()<input_mode::fixed_teacher>();
  CHECK(fixed[1] < fixed[0]);
  CHECK(fixed[3] > 1.2 * fixed[1]);
  CHECK(fixed[3] > 1.4 * least);
  const auto [matched, lowest] = course.operator()<input_mode::function_matching>();
  for (std::size_t i = 1; i < 4; ++i) CHECK(matched[i] < matched[i - 1]);
  CHECK(matched[3] < 2.0 * lowest);
  CHECK(10.0 * matched[3] < fixed[3]);
}
