// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// IKD and its pilot order: a teacher that learns from its student's exam. The gradient itself is
// tested in exam_gradient_test.cpp.
#include "support/doctest.hpp"

#include "laws/training_step.hpp"
#include "support/noise_images.hpp"
#include "support/resumed_run.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/horizontal_flip.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/data/batch_cycle.hpp>
#include <rolewise/data/splits.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/systems/ikd.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/unrolled_update.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::goes_on_with_the_same_bits;
using rolewise::testing::noise_images;
using rolewise::testing::noise_shape;
using rolewise::testing::tiny_data;

const training_progress first{.epoch = 0, .step = 0, .epochs = 2, .steps_per_epoch = 4};

auto exam_images()
{
  auto data = noise_images(16);
  data.inputs = 255 - data.inputs;
  return batch_cycle{.data = data, .size = 8, .seed = seed{3}};
}

template<typename Student>
auto taught(Student student, double teacher_rate, systems::exam_order order,
            double teacher_weight = 1.0)
{
  return systems::ikd{
      .teacher = learner{.model = resnet8(noise_shape, {.seed = seed{1}}),
                         .optimizer = sgd{.learning_rate = teacher_rate}},
      .student = learner{.model = std::move(student), .optimizer = sgd{.learning_rate = 0.05}},
      .exam = exam_images(),
      .agent = horizontal_flip{},
      .order = order,
      .teacher_weight = teacher_weight,
      .seed = seed{5}};
}

auto plain() { return resnet8(noise_shape, {.seed = seed{2}}); }
auto two_bits() { return resnet8(noise_shape, dorefa{}, inner_bits<2>, {.seed = seed{2}}); }

template<typename Teacher, typename Student>
auto ordinary(const Teacher& teacher, Student student)
{
  return distillation{.teacher = frozen(teacher),
                      .student = std::move(student),
                      .shared_agent = horizontal_flip{},
                      .loss = 0.1 * cross_entropy{} + 0.9 * two_sided_kl{},
                      .optimizer = sgd{.learning_rate = 0.05},
                      .lr_schedule = constant_lr{},
                      .seed = seed{5}};
}

template<typename Part>
std::uint64_t sum_of(Part part)
{
  return state_sum(part);
}

/// The bits of a student with its optimizer's state.
template<typename Step>
std::vector<torch::Tensor> bits_of(Step& step)
{
  std::vector<torch::Tensor> all;
  for (const auto& entry : snapshot_of(step))
    if (const auto* t = std::get_if<torch::Tensor>(&entry.value);
        t != nullptr && t->defined() &&
        (entry.name.find("student") == 0 || entry.name.find("progress") == 0))
      all.push_back(t->clone());
  return all;
}

void check_same_bits(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b)
{
  REQUIRE(a.size() == b.size());
  REQUIRE(a.size() > 20);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(torch::equal(a[i], b[i]));
}

template<typename Student>
void check_is_distillation_at_rate_0(const Student& student, systems::exam_order order)
{
  auto step = taught(student, 0.0, order);
  auto same = ordinary(step.teacher.model, student);
  const auto teacher = sum_of(step.teacher.model);
  const auto data = noise_images(16);
  const auto a = fit(step, data, {.epochs = 2, .batch_size = 8});
  const auto b = fit(same, data, {.epochs = 2, .batch_size = 8});
  check_same_bits(bits_of(step), bits_of(same));
  CHECK(sum_of(step.teacher.model) == teacher);
  for (const auto* name : {"loss", "cross-entropy", "accuracy"})
    CHECK(a.epochs.back()[name] == b.epochs.back()[name]);
}

}  // namespace

TEST_CASE("IKD, three: at a learning rate of 0 of the teacher it is ordinary distillation")
{
  for (const auto order : {systems::exam_order::after_course, systems::exam_order::before_course}) {
    check_is_distillation_at_rate_0(plain(), order);
    check_is_distillation_at_rate_0(two_bits(), order);
  }
}

TEST_CASE("IKD, four: a pilot's exam leaves the student and its optimizer as they are")
{
  const auto data = noise_images(8);
  auto step = taught(plain(), 0.05, systems::exam_order::before_course);
  const auto untaught = sum_of(step.teacher.model);
  (void)step(data.examples(), first);
  CHECK(sum_of(step.teacher.model) != untaught);
  // What is left of the step is one course with the teacher that has learned.
  auto course = ordinary(step.teacher.model, plain());
  (void)course(data.examples(), first);
  check_same_bits(bits_of(step), bits_of(course));
}

TEST_CASE("IKD: the student takes the course of the teacher as it was, the exam moves the teacher")
{
  const auto data = noise_images(8);
  for (const double own : {0.0, 1.0}) {
    auto step = taught(plain(), 0.05, systems::exam_order::after_course, own);
    const auto before = step.teacher.model;
    auto course = ordinary(before, plain());
    (void)step(data.examples(), first);
    (void)course(data.examples(), first);
    const auto a = bits_of(step), b = bits_of(course);
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i)
      CHECK(torch::allclose(a[i].to(torch::kDouble), b[i].to(torch::kDouble), 1e-3, 1e-5));
    auto now = step.teacher.model, then = before;
    const auto after = now.parameters(), earlier = then.parameters();
    for (std::size_t i = 0; i < after.size(); ++i)
      CHECK_FALSE(torch::equal(after[i].value, earlier[i].value));
    // Running statistics move by an exam of its own alone.
    bool has_moved = false;
    std::vector<torch::Tensor> old;
    for_each_tensor(then, [&](const std::string&, torch::Tensor& t, tensor_kind kind) {
      if (kind == tensor_kind::buffer) old.push_back(t);
    });
    std::size_t i = 0;
    for_each_tensor(now, [&](const std::string&, torch::Tensor& t, tensor_kind kind) {
      if (kind == tensor_kind::buffer && !torch::equal(t, old[i++])) has_moved = true;
    });
    CHECK(has_moved == (own > 0.0));
  }
}

TEST_CASE("IKD: the teacher's update is that of the exam of who took the course, and gamma its own")
{
  using rolewise::testing::tiny_student;
  const auto data = tiny_data(12), held_out = tiny_data(6, seed{9});
  const double of_student = 2.0, of_pilot = 3.5, of_teacher = 0.5;
  const auto slow = [](double rate) {
    return sgd{.learning_rate = rate, .momentum = 0.0, .weight_decay = 0.0};
  };
  for (const auto order : {systems::exam_order::after_course, systems::exam_order::before_course})
    for (const double gamma : {0.0, 0.25}) {
      systems::ikd step{.teacher = learner{.model = tiny_student{data.shape, seed{1}},
                                           .optimizer = slow(of_teacher)},
                        .student = learner{.model = tiny_student{data.shape, seed{2}},
                                           .optimizer = slow(of_student)},
                        .exam = batch_cycle{.data = held_out, .size = 6},
                        .order = order,
                        .teacher_weight = gamma,
                        .pilot_rate = of_pilot};
      const auto student = step.student.model;
      auto teacher = step.teacher.model;
      const auto view = model_input(data.examples(), student);
      const auto paper = model_input(step.exam(first), student);
      const double rate = order == systems::exam_order::after_course ? of_student : of_pilot;
      const auto course = [&](tiny_student& taught, const outputs& by) {
        const paired_outputs pair{.teacher = by, .student = taught.forward(view)};
        const auto targets = targets_of(view, first);
        return 0.1 * cross_entropy{}(pair, targets) + 0.9 * two_sided_kl{}(pair, targets);
      };
      const auto score = [&](tiny_student& of) {
        return cross_entropy{}({.teacher = {}, .student = of.forward(paper)},
                               targets_of(paper, first));
      };
      const auto said = teacher.predict(view);
      auto updated = student;
      const auto moved = parameters_of(updated);
      move_along(moved, parameter_gradients(moved, course(updated, said)), -rate);
      const auto exam = score(updated);
      const auto learned = parameters_of(teacher);
      const auto feedback =
          parameter_gradients(learned, exam_surrogate(student, teacher.predict(view), course,
                                                      parameter_gradients(moved, exam), rate));
      const auto own = parameter_gradients(learned, score(teacher));

      const auto numbers = step(data.examples(), first);
      CHECK(numbers.back().name == "exam");
      CHECK(numbers.back().value.item<double>() ==
            doctest::Approx(exam.item<double>()).epsilon(1e-5).scale(0));
      const auto found = step.teacher.model.parameters();
      for (std::size_t i = 0; i < found.size(); ++i) {
        const auto wanted = learned[i].value.detach() - of_teacher * (feedback[i] + gamma * own[i]);
        CHECK(torch::allclose(found[i].value, wanted, 1e-5, 1e-6));
        // It would be seen if either part were missing.
        CHECK(feedback[i].abs().max().item<double>() * of_teacher > 1e-4);
        CHECK(own[i].abs().max().item<double>() * of_teacher > 1e-4);
      }
    }
}

TEST_CASE("IKD: both ways through the update agree, and few bits train")
{
  const auto data = noise_images(16);
  const auto moved = [&](unrolling how) {
    auto step = taught(plain(), 1.0, systems::exam_order::after_course, 0.0);
    step.teacher.optimizer = sgd{.learning_rate = 1.0, .momentum = 0.0, .weight_decay = 0.0};
    step.through = how;
    const auto before = step.teacher.model;
    (void)step(data.examples(), first);
    std::vector<torch::Tensor> all;
    const auto now = step.teacher.model.parameters(), then = before.parameters();
    for (std::size_t i = 0; i < now.size(); ++i)
      all.push_back((now[i].value - then[i].value).detach().flatten());
    return torch::cat(all);
  };
  const auto exact = moved(unrolling::exact), by_two = moved(unrolling::finite_differences);
  CHECK(exact.norm().item<double>() > 0.0);
  CHECK((exact - by_two).norm().item<double>() < 0.1 * exact.norm().item<double>());

  for (const auto how : {unrolling::exact, unrolling::finite_differences}) {
    auto step = taught(two_bits(), 0.01, systems::exam_order::before_course);
    step.through = how;
    const auto untaught = sum_of(step.teacher.model);
    const auto history = fit(step, data, {.epochs = 2, .batch_size = 8});
    CHECK(std::isfinite(history.epochs.back()["loss"]));
    CHECK(std::isfinite(history.epochs.back()["exam"]));
    CHECK(sum_of(step.teacher.model) != untaught);
  }
}

TEST_CASE("IKD: a step of one's own data, its laws, and a run that goes on with the same bits")
{
  const auto data = noise_images(32);
  // [ikd]
  const auto parts = stratified_split(data, fraction{0.25}, seed{1});
  systems::ikd training{
      .teacher = learner{.model = resnet8(data.shape, {.seed = seed{1}}),  // trained, in earnest
                         .optimizer = sgd{.learning_rate = 0.005}},
      .student = learner{.model = resnet8(data.shape, dorefa{}, inner_bits<2>, {.seed = seed{2}}),
                         .optimizer = sgd{.learning_rate = 0.05}},
      .exam = batch_cycle{.data = parts.validation, .size = 8}};
  fit(training, parts.train, {.epochs = 1, .batch_size = 8});
  const auto& student = training.evaluated();
  // [/ikd]
  CHECK(student.parameters().size() > 10);

  const auto few = tiny_data(24), held_out = tiny_data(12, seed{9});
  using rolewise::testing::tiny_student;
  for (const auto order : {systems::exam_order::after_course, systems::exam_order::before_course}) {
    const auto make = [&] {
      return systems::ikd{.teacher = learner{.model = tiny_student{few.shape, seed{1}}},
                          .student = learner{.model = tiny_student{few.shape, seed{2}}},
                          .exam = batch_cycle{.data = held_out, .size = 5},
                          .order = order};
    };
    laws::step_holds_for(make, few);
    goes_on_with_the_same_bits(make, few, {.epochs = 4, .batch_size = 8});
  }
}

TEST_CASE("IKD: numbers out of range are refused in words")
{
  auto step = taught(plain(), 0.05, systems::exam_order::after_course, -1.0);
  CHECK_THROWS_WITH_AS((void)step(noise_images(8).examples(), first),
                       doctest::Contains("want a teacher_weight >= 0"), std::invalid_argument);
  step.teacher_weight = 1.0;
  step.pilot_rate = -0.5;
  CHECK_THROWS_WITH_AS((void)step(noise_images(8).examples(), first),
                       doctest::Contains("pilot_rate >= 0, finite, got 1 and -0.5"),
                       std::invalid_argument);
}

TEST_CASE("batch_cycle: whole batches by the number of the step, each example once in a cycle")
{
  const auto data = noise_images(10);
  const batch_cycle cycle{.data = data, .size = 3, .seed = seed{2}};
  const auto ids = [&](std::int64_t epoch, std::int64_t step) {
    const auto found = cycle({.epoch = epoch, .step = step, .epochs = 9, .steps_per_epoch = 4}).ids;
    return std::vector<std::int64_t>(found.data_ptr<std::int64_t>(),
                                     found.data_ptr<std::int64_t>() + found.numel());
  };
  std::set<std::int64_t> seen;
  for (std::int64_t k = 0; k < 3; ++k)
    for (const auto id : ids(0, k)) CHECK(seen.insert(id).second);
  CHECK(seen.size() == 9);
  CHECK(ids(1, 1) == ids(0, 5));  // of the run's steps, not of its epochs'
  CHECK(ids(0, 0) != ids(0, 3));  // another order in the next cycle
  CHECK(batch_cycle{.data = data, .size = 64}(first).size() == 10);
  CHECK_THROWS_WITH_AS((void)(batch_cycle{.data = data, .size = 0}(first)),
                       doctest::Contains("size >= 1, got 10 examples of 'noise' and size 0"),
                       std::invalid_argument);
}
