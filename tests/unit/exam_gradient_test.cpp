// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A teacher that learns from its student's exam: the gradient of the student's loss on exam
// examples, after one update, with respect to the teacher, through that update. The quantities of
// "IKD" (arXiv:2109.04641) and MetaDistil (arXiv:2106.04570, section 3).
#include "support/doctest.hpp"

#include "support/finite_differences.hpp"

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/logit_divergences.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/student/module_student.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/unrolled_update.hpp>

#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/cloneable.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

using namespace rolewise;

namespace {

const two_sided_kl at_one{temperature{1}};

/// Student logits `W f` as a user's module, in float64.
struct linear_module : torch::nn::Cloneable<linear_module> {
  linear_module() { reset(); }
  void reset() override
  {
    weight = register_parameter(
        "weight", torch::tensor({.1, .2, 0., -.3, .2, .1}, torch::kDouble).view({3, 2}));
  }
  torch::Tensor forward(const torch::Tensor& x) { return x.flatten(1).matmul(weight.t()); }
  torch::Tensor weight;
};

struct exam_result {
  double loss = 0.0;
  torch::Tensor gradient;  ///< for the teacher's logits
};

batch of_vectors(std::vector<double> x, std::int64_t label)
{
  return {.inputs = torch::tensor(x, torch::kDouble).unsqueeze(0),
          .labels = torch::full({1}, label, torch::kLong),
          .ids = torch::zeros({1}, torch::kLong)};
}

torch::Tensor score(outputs said, const batch& examples)
{
  return cross_entropy{}({.teacher = {}, .student = std::move(said)}, targets_of(examples, {}));
}

/// The exam of a copy of the student after a plain SGD step on the course.
template<Student S, typename Loss>
exam_result exam_of(const S& student, const torch::Tensor& teacher_logits, const batch& course,
                    const batch& exam, double rate, const Loss& loss,
                    unrolling how = unrolling::exact)
{
  const auto z = teacher_logits.detach().clone().set_requires_grad(true);
  const auto course_loss = [&](S& taught, const outputs& by) {
    return loss({.teacher = by, .student = taught.forward(course)}, targets{});
  };
  auto updated = student;
  const auto learned = parameters_of(updated);
  const auto found = course_loss(updated, {.logits = z.detach(), .features = {}});
  move_along(learned, parameter_gradients(learned, found), -rate);
  const auto result = score(updated.forward(exam), exam);
  const auto surrogate = exam_surrogate(student, {.logits = z, .features = {}}, course_loss,
                                        parameter_gradients(learned, result), rate, how);
  return {result.template item<double>(), torch::autograd::grad({surrogate}, {z})[0]};
}

exam_result linear_exam(const torch::Tensor& z, std::vector<double> exam_features,
                        unrolling how = unrolling::exact)
{
  return exam_of(module_student{std::make_shared<linear_module>()}, z, of_vectors({1.0, .5}, 0),
                 of_vectors(std::move(exam_features), 2), 0.5, at_one, how);
}

torch::Tensor teacher_of_three() { return torch::tensor({{2.0, 1.0, .1}}, torch::kDouble); }

batch drawn_images(std::uint64_t key)
{
  torch::manual_seed(key);
  return {.inputs = torch::randint(0, 256, {6, 1, 8, 8}, torch::kByte),
          .labels = torch::randint(3, {6}),
          .ids = torch::arange(6)};
}

constexpr sample_shape small{.channels = 1, .height = 8, .width = 8, .classes = 3};

}  // namespace

TEST_CASE("two-sided KL: soft_target_kl with the teacher's gradient")
{
  const auto row = [](std::vector<double> x) {
    return torch::tensor(x, torch::kDouble).view({2, 3});
  };
  const auto z = row({2, 1, .1, -1, .5, 3}), s = row({1, .5, -.5, 0, 2, 1});
  const auto value = [&](const torch::Tensor& teacher, const torch::Tensor& student) {
    return two_sided_kl{temperature{3}}(
        {{.logits = teacher, .features = {}}, {.logits = student, .features = {}}}, targets{});
  };
  const auto teacher = z.clone().set_requires_grad(true),
             student = s.clone().set_requires_grad(true);
  const auto found = value(teacher, student);
  CHECK(found.item<double>() ==
        doctest::Approx(value(z, s).item<double>()).epsilon(1e-12).scale(0));
  const auto gradients = torch::autograd::grad({found}, {teacher, student});
  const auto of_teacher =
      testing::finite_differences([&](const auto& x) { return value(x, s); }, z);
  const auto of_student =
      testing::finite_differences([&](const auto& x) { return value(z, x); }, s);
  CHECK((gradients[0] - of_teacher).abs().max().item<double>() < 1e-8);
  CHECK((gradients[1] - of_student).abs().max().item<double>() < 1e-8);
}

TEST_CASE("exam, one: the gradient through a user's module has the closed form")
{
  const auto z = teacher_of_three();
  const module_student student{std::make_shared<linear_module>()};
  const auto found = linear_exam(z, {.8, -.2});
  CHECK(found.loss == doctest::Approx(1.138663).epsilon(1e-6).scale(0));
  const double wanted[] = {.025198, .006725, -.031924};
  for (int i = 0; i < 3; ++i)
    CHECK(std::abs(found.gradient[0][i].item<double>() - wanted[i]) < 1e-6);

  const auto differences = testing::finite_differences(
      [&](const torch::Tensor& at) {
        const torch::AutoGradMode on{true};
        return torch::tensor(linear_exam(at, {.8, -.2}).loss, torch::kDouble);
      },
      z);
  CHECK((found.gradient - differences).abs().max().item<double>() < 1e-6);
  // By differences of the course's gradient.
  const auto by_two = linear_exam(z, {.8, -.2}, unrolling::finite_differences).gradient;
  CHECK((found.gradient - by_two).abs().max().item<double>() < 1e-5);
}

TEST_CASE("exam, two: descent raises the label where course and exam are alike, else lowers it")
{
  const auto z = teacher_of_three();
  const auto rise = [&](std::vector<double> features) {
    const auto gradient = linear_exam(z, std::move(features)).gradient;
    return ((z - 0.1 * gradient).softmax(1) - z.softmax(1))[0][2].item<double>();
  };
  CHECK(rise({.8, -.2}) > 0);
  CHECK(rise({-.8, .2}) < 0);
  CHECK(std::abs(rise({-.5, 1.0})) < 1e-12);
}

TEST_CASE("exam: a course without a graph to the teacher is refused in words")
{
  const module_student student{std::make_shared<linear_module>()};
  const auto course = of_vectors({1.0, .5}, 0), exam = of_vectors({.8, -.2}, 2);
  const std::string detached =
      "exam_surrogate: the course's gradient does not depend on the teacher's outputs, so that the "
      "exam would teach it nothing; want a loss that does not detach them, such as two_sided_kl{}";
  for (const auto how : {unrolling::exact, unrolling::finite_differences})
    CHECK_THROWS_WITH_AS((void)exam_of(student, teacher_of_three(), course, exam, 0.5,
                                       soft_target_kl{temperature{1}}, how),
                         doctest::Contains(detached.c_str()), std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)exam_surrogate(
                           student, {.logits = teacher_of_three(), .features = {}},
                           [](auto&, const outputs& said) { return said.logits.sum(); },
                           {torch::zeros({3, 2})}, 0.5),
                       doctest::Contains("the teacher's outputs have no graph"),
                       std::invalid_argument);
}

TEST_CASE("exam: lists of another length than that of the parameters are refused in words")
{
  const module_student student{std::make_shared<linear_module>()};
  auto copy = student;
  const auto learned = parameters_of(copy);
  const auto refuses = [](const auto& call, const char* words) {
    CHECK_THROWS_WITH_AS(call(), doctest::Contains(words), std::invalid_argument);
  };
  refuses([&] { move_along(learned, {}, 1.0); },
          "move_along: want a tensor, or an undefined one, for each of 1 parameters, got 0");
  refuses([&] { (void)loss_with_gradients(learned, {torch::Tensor{}, torch::Tensor{}}); },
          "loss_with_gradients: want a tensor, or an undefined one, for each of 1 parameters, got "
          "2");
  const auto course = of_vectors({1.0, .5}, 0);
  for (const auto how : {unrolling::exact, unrolling::finite_differences})
    refuses(
        [&] {
          const auto z = teacher_of_three().set_requires_grad(true);
          (void)exam_surrogate(
              student, {.logits = z, .features = {}},
              [&](auto& taught, const outputs& by) {
                return at_one({.teacher = by, .student = taught.forward(course)}, targets{});
              },
              {}, 0.5, how);
        },
        "exam_surrogate: want a tensor, or an undefined one, for each of 1 parameters, got 0");
}

TEST_CASE("exam: the gradient through a ResNet is that of finite differences")
{
  const auto student = resnet8(small, {.seed = seed{4}});
  const auto course = drawn_images(2), exam = drawn_images(3);
  torch::manual_seed(5);
  const auto z = torch::randn({6, 3});
  const auto at = [&](const torch::Tensor& logits, unrolling how = unrolling::exact) {
    return exam_of(student, logits, course, exam, 0.05, at_one, how);
  };
  const auto gradient = at(z).gradient;
  // Along the gradient itself, where the difference is largest against the rounding of float32.
  const auto direction = gradient / gradient.norm();
  const double h = 0.05,
               found = (at(z + direction * h).loss - at(z - direction * h).loss) / (2 * h);
  CHECK(gradient.norm().item<double>() > 1e-4);
  CHECK(gradient.norm().item<double>() == doctest::Approx(found).epsilon(0.05).scale(0));
  const auto by_two = at(z, unrolling::finite_differences).gradient;
  CHECK((by_two - gradient).norm().item<double>() < 0.1 * gradient.norm().item<double>());
}

TEST_CASE("exam: with 2 bits, straight-through estimators are differentiated as what they are")
{
  const auto student = resnet8(small, dorefa{}, inner_bits<2>, {.seed = seed{4}});
  const auto course = drawn_images(2);
  torch::manual_seed(5);
  const auto z = torch::randn({6, 3});
  std::vector<torch::Tensor> v;
  for (const auto& p : student.parameters()) v.push_back(torch::randn_like(p.value.detach()) * 0.1);
  const auto loss = [&](auto& taught, const outputs& by) {
    return at_one({.teacher = by, .student = taught.forward(course)}, targets{});
  };
  // The gradient of the first backward pass is linear in that of the logits.
  const auto product = [&](const torch::Tensor& at) {
    auto taught = student;
    const auto learned = parameters_of(taught);
    const auto gradients =
        parameter_gradients(learned, loss(taught, {.logits = at, .features = {}}));
    double sum = 0.0;
    for (std::size_t i = 0; i < v.size(); ++i)
      if (gradients[i].defined()) sum += (gradients[i] * v[i]).sum().template item<double>();
    return -0.05 * sum;
  };
  const auto leaf = z.clone().set_requires_grad(true);
  const auto gradient = torch::autograd::grad(
      {exam_surrogate(student, {.logits = leaf, .features = {}}, loss, v, 0.05)}, {leaf})[0];
  const auto direction = gradient / gradient.norm();
  const double h = 0.02,
               found = (product(z + direction * h) - product(z - direction * h)) / (2 * h);
  CHECK(gradient.norm().item<double>() > 1e-4);
  CHECK(gradient.norm().item<double>() == doctest::Approx(found).epsilon(0.05).scale(0));
}
