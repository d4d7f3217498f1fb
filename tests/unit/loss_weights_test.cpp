// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/distillation_loss.hpp"
#include "laws/gradient_combination.hpp"
#include "support/doctest.hpp"
#include "support/finite_differences.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/loss.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

using namespace rolewise;

namespace {

torch::Tensor row(std::vector<double> values) { return torch::tensor(values, torch::kDouble); }

// The example of the reference values: cross-entropy 0.6041306, T^2 KL 0.0258049 at T = 4.
const auto z_teacher = row({2.0, 1.0, 0.1}).view({1, 3}),
           z_student = row({1.0, 0.5, -0.5}).view({1, 3});
constexpr double hard = 0.6041306, soft = 0.0258049;

training_progress after(std::int64_t epoch, std::int64_t step = 0)
{
  return {.epoch = epoch, .step = step, .epochs = 10, .steps_per_epoch = 10};
}

targets first_class(const training_progress& progress = {})
{
  return {torch::zeros({1}, torch::kLong), {}, progress};
}

paired_outputs pair_of(const torch::Tensor& student, const torch::Tensor& teacher = z_teacher)
{
  return {{teacher, {}}, {student, {}}};
}

double number_of(const auto& loss, const targets& of = first_class())
{
  return evaluate_loss(loss, pair_of(z_student), of).template item<double>();
}

doctest::Approx near(double value, double tolerance = 2e-6)
{
  return doctest::Approx(value).epsilon(tolerance);
}

}  // namespace

TEST_CASE("weights follow their schedules")
{
  const linear_weight line{.from = weight{1}, .to = weight{-1}, .until = fraction{0.5}};
  const cosine_weight wave{.from = weight{4}, .to = weight{2}};
  CHECK(line(after(0)).value() == 1.0);
  CHECK(line(after(2, 5)).value() == near(0.0, 1e-12));
  CHECK(line(after(5)).value() == -1.0);
  CHECK(line(after(9)).value() == -1.0);
  CHECK(wave(after(0)).value() == 4.0);
  CHECK(wave(after(5)).value() == near(3.0, 1e-12));
  CHECK(wave(after(10)).value() == near(2.0, 1e-12));
  CHECK(warm_up_weight{}(after(0)).value() == 0.0);
  CHECK(warm_up_weight{.epochs = 4}(after(3, 9)).value() == 0.75);
  CHECK(warm_up_weight{.epochs = 4}(after(9)).value() == 1.0);
  CHECK(warm_up_weight{.epochs = 0}(after(0)).value() == 1.0);
}

TEST_CASE("scheduled_weight is its loss times the weight of the progress")
{
  const cosine_weight wave{.from = weight{4}, .to = weight{2}};
  const scheduled_weight loss{.loss = soft_target_kl{}, .schedule = wave};
  laws::hold_for(loss);
  laws::hold_for(scheduled_weight{.loss = curriculum_temperature{}, .schedule = wave});
  static_assert(decltype(loss)::name == soft_target_kl::name);
  for (const std::int64_t epoch : {0, 3, 9})
    CHECK(number_of(loss, first_class(after(epoch))) == near(wave(after(epoch)).value() * soft));

  const auto sum =
      cross_entropy{} + 0.5 * scheduled_weight{.loss = soft_target_kl{}, .schedule = wave};
  CHECK(number_of(sum, first_class(after(5))) == near(hard + 0.5 * 3 * soft));
  // As in the released codes of DKD and ReviewKD.
  const auto of = first_class(after(7));
  CHECK(number_of(scheduled_weight{.loss = decoupled_kd{}, .schedule = warm_up_weight{}}, of) ==
        near(number_of(decoupled_kd{.warm_up_epochs = 20}, of), 1e-12));
}

TEST_CASE("uncertainty_weighted adds losses under learned variances")
{
  auto loss =
      laws::configured(uncertainty_weighted{.loss = cross_entropy{} + 3.0 * soft_target_kl{}});
  laws::hold_for(uncertainty_weighted{.loss = cross_entropy{} + 3.0 * soft_target_kl{}});
  CHECK(number_of(loss) == near(hard + 3 * soft));

  // exp(-s) w loss + s / 2, and its derivative 1/2 - exp(-s) w loss.
  loss.log_variances->data().copy_(torch::tensor({0.5, -2.0}));
  const double first = std::exp(-0.5) * hard, second = std::exp(2.0) * 3 * soft;
  const auto found = loss.evaluate_terms(pair_of(z_student), first_class());
  CHECK(found.total.item<double>() == near(first + second + (0.5 - 2.0) / 2));
  found.total.backward();
  CHECK(loss.log_variances->grad()[0].item<double>() == near(0.5 - first, 1e-5));
  CHECK(loss.log_variances->grad()[1].item<double>() == near(0.5 - second, 1e-5));
  std::vector<std::string> names;
  for (const auto& term : found.terms) names.push_back(term.name);
  CHECK((names == std::vector<std::string>{"cross-entropy", "soft-target-kl",
                                           "weight of cross-entropy", "weight of soft-target-kl"}));
  CHECK(found.terms[0].value.item<double>() == near(hard));
  CHECK(found.terms[3].value.item<double>() == near(3 * std::exp(2.0)));

  // The best variances are 2 w loss each.
  loss.log_variances->data().copy_(torch::tensor({std::log(2 * hard), std::log(6 * soft)}));
  CHECK(number_of(loss) == near(1 + (std::log(2 * hard) + std::log(6 * soft)) / 2));
  const auto value = [&](const torch::Tensor& x) {
    return evaluate_loss(loss, pair_of(x), first_class());
  };
  const auto x = z_student.clone().set_requires_grad(true);
  value(x).backward();
  CHECK(torch::allclose(x.grad(), testing::finite_differences(value, z_student), 1e-6, 1e-9));

  CHECK_THROWS_WITH_AS((void)number_of(uncertainty_weighted{.loss = 1.0 * cross_entropy{}}),
                       "rolewise: uncertainty-weighted: was not configured: the training step "
                       "does it before its optimizer starts",
                       std::invalid_argument);
}

TEST_CASE("a step learns the weights of uncertainty_weighted and reports them, in 16 bits too")
{
  const auto data = testing::tiny_data(16);
  distillation training{
      .teacher = frozen(testing::tiny_student{data.shape, seed{1}}),
      .student = testing::tiny_student{data.shape, seed{2}},
      .loss = uncertainty_weighted{.loss = cross_entropy{} + curriculum_temperature{}}};
  const auto history = fit(training, data, {.epochs = 3, .batch_size = 8});
  const auto& learned = training.loss;
  CHECK((*learned.log_variances != 0).all().item<bool>());
  CHECK(history.epochs.front()["weight of cross-entropy"] !=
        history.epochs.back()["weight of cross-entropy"]);
  CHECK(std::get<1>(learned.loss.terms()).loss.position->item<double>() != 1.0);

  torch::manual_seed(7);
  for (const auto type : {torch::kHalf, torch::kBFloat16, torch::kFloat}) {
    const auto student = torch::randn({8, 5}).to(type).set_requires_grad(true);
    const auto value = evaluate_loss(learned, pair_of(student, torch::randn({8, 5}).to(type)),
                                     {torch::zeros({8}, torch::kLong), {}, {}});
    CHECK((value.scalar_type() == type));
    value.backward();
    CHECK(student.grad().isfinite().all().item<bool>());
  }
}

TEST_CASE("balanced_to_task gives distillation a share of the norm of the task, tensor by tensor")
{
  laws::hold_for(balanced_to_task{.task = cross_entropy{}, .distillation = soft_target_kl{}});
  const balanced_to_task rule{
      .task = cross_entropy{}, .distillation = soft_target_kl{}, .ratio = 0.5};
  const auto task = row({3.0, 4.0});
  CHECK(torch::allclose(rule.combine(task, row({0.0, 20.0}), {}), row({3.0, 6.5}), 1e-12));
  CHECK(torch::allclose(rule.combine(task, row({0.0, 1e-3}), {}), row({3.0, 6.5}), 1e-12));
  CHECK(torch::equal(rule.combine(row({0.0, 0.0}), task, {}), row({0.0, 0.0})));
  CHECK(torch::equal(rule.combine(task, row({0.0, 0.0}), {}), task));
  CHECK(torch::equal(rule.combine(task, {}, {}), task));
  const auto half = rule.combine(task.to(torch::kHalf), row({0.0, 6e-5}).to(torch::kHalf), {});
  CHECK(torch::allclose(half, row({3.0, 6.5}).to(torch::kHalf)));
  // A quotient beyond single precision stays finite.
  CHECK(rule.combine(task.to(torch::kFloat), row({0.0, 1e-45}).to(torch::kFloat), {})
            .isfinite()
            .all()
            .item<bool>());
  for (const double ratio : {-1.0, std::numeric_limits<double>::infinity()})
    CHECK_THROWS_AS((void)(balanced_to_task{
                        .task = cross_entropy{}, .distillation = soft_target_kl{}, .ratio = ratio}
                               .combine(task, task, {})),
                    std::invalid_argument);

  const auto data = testing::tiny_data(16);
  const auto teacher = frozen(testing::tiny_student{data.shape, seed{1}});
  const testing::tiny_student student{data.shape, seed{2}};
  // [balanced]
  distillation training{
      .teacher = teacher,
      .student = student,
      .loss = balanced_to_task{.task = cross_entropy{}, .distillation = soft_target_kl{}}};
  // [/balanced]
  CHECK(std::isfinite(fit(training, data, {.epochs = 1, .batch_size = 8}).epochs.back()["loss"]));
}
