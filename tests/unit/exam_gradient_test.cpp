// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A teacher that learns from its student's exam: the gradient of the student's loss on exam
// examples, after one update, with respect to the teacher, through that update. The quantities of
// "IKD" (arXiv:2109.04641) and MetaDistil (arXiv:2106.04570, section 3).
#include "support/doctest.hpp"

#include "support/tiny_student.hpp"

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/student/module_student.hpp>
#include <rolewise/train/learner.hpp>

#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/cloneable.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

using namespace rolewise;

namespace {

/// The teacher's logits as its parameters.
struct logits_teacher {
  owned_tensor logits;
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("logits", *logits);
  }
};

torch::Tensor divergence(const torch::Tensor& teacher, const torch::Tensor& student)
{
  return torch::kl_div(student.log_softmax(1), teacher.log_softmax(1), at::Reduction::Sum, true) /
         student.size(0);
}

// [exam]
/// The exam loss of the student after one plain SGD step on the course loss, as a number to
/// minimize with respect to the teacher: its gradient is that of the exam loss through the step,
/// `-rate * d/d(teacher) <course gradient, exam gradient at the updated student>`. The student is
/// as before.
/// @param course the loss of the student against the teacher, with its graph
/// @param exam `()` computes the exam loss of the student as it then is
template<typename Exam>
torch::Tensor exam_surrogate(const std::vector<named_tensor>& parameters,
                             const torch::Tensor& course, double rate, const Exam& exam)
{
  std::vector<torch::Tensor> weights, kept;
  for (const auto& p : parameters) weights.push_back(p.value);
  const auto step = torch::autograd::grad({course}, weights, {}, true, true);
  {
    const torch::NoGradGuard without_graph;
    // Other data, not written in place: the graph of the course keeps the weights that it saw.
    for (std::size_t i = 0; i < weights.size(); ++i) {
      kept.push_back(weights[i].data());
      weights[i].set_data(weights[i] - step[i] * rate);
    }
  }
  const auto found = torch::autograd::grad({exam()}, weights);
  torch::Tensor total;
  {
    const torch::NoGradGuard without_graph;
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i].set_data(kept[i]);
  }
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto term = (step[i] * found[i]).sum() * -rate;
    total = total.defined() ? total + term : term;
  }
  return total;
}
// [/exam]

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

}  // namespace

TEST_CASE("the exam gradient through a user's module has the closed form")
{
  module_student student{std::make_shared<linear_module>()};
  const double rate = 0.5;
  const auto f = torch::tensor({{1.0, .5}}, torch::kDouble),
             f_exam = torch::tensor({{.8, -.2}}, torch::kDouble);
  const auto y_exam = torch::full({1}, 2, torch::kLong);
  learner<logits_teacher> teacher{
      .model = {owned_tensor{torch::tensor({{2.0, 1.0, .1}}, torch::kDouble)}},
      .optimizer = {.learning_rate = 1.0, .momentum = 0.0, .weight_decay = 0.0}};
  teacher.model.logits->set_requires_grad(true);

  double exam_loss = 0.0;
  const auto surrogate = [&] {
    return exam_surrogate(
        student.parameters(), divergence(*teacher.model.logits, student.module().forward(f)), rate,
        [&] {
          const auto loss = torch::cross_entropy_loss(student.module().forward(f_exam), y_exam);
          exam_loss = loss.template item<double>();
          return loss;
        });
  };
  const auto before = student.module().weight.clone();
  const auto z = teacher.model.logits->detach().clone();
  teacher.minimize(surrogate(), {});

  // The specification's reference values.
  CHECK(exam_loss == doctest::Approx(1.138663).epsilon(1e-6));
  const auto gradient = (z - *teacher.model.logits).detach();
  const double wanted[] = {.025198, .006725, -.031924};
  for (int i = 0; i < 3; ++i)
    CHECK(gradient[0][i].item<double>() == doctest::Approx(wanted[i]).epsilon(1e-4));
  CHECK(torch::equal(student.module().weight, before));

  // Finite differences of the exam loss.
  for (int i = 0; i < 3; ++i) {
    const auto loss_at = [&](double shift) {
      {
        const torch::NoGradGuard without_graph;
        teacher.model.logits->copy_(z);
        (*teacher.model.logits)[0][i] += shift;
      }
      (void)surrogate();
      return exam_loss;
    };
    const double h = 1e-5, found = (loss_at(h) - loss_at(-h)) / (2 * h);
    CHECK(gradient[0][i].item<double>() == doctest::Approx(found).epsilon(1e-6));
  }
}

TEST_CASE("the exam gradient through a ResNet is that of finite differences")
{
  const sample_shape shape{.channels = 1, .height = 8, .width = 8, .classes = 3};
  auto student = resnet8(shape, {.seed = seed{4}});
  const double rate = 0.05;
  torch::manual_seed(2);
  const auto images = [&] {
    return batch{torch::randint(0, 256, {6, 1, 8, 8}, torch::kByte),
                 torch::randint(3, {6}),
                 torch::arange(6),
                 {}};
  };
  const auto course = images(), exam = images();
  learner<logits_teacher> teacher{
      .model = {owned_tensor{torch::randn({6, 3})}},
      .optimizer = {.learning_rate = 1.0, .momentum = 0.0, .weight_decay = 0.0}};
  teacher.model.logits->set_requires_grad(true);

  double exam_loss = 0.0;
  const auto surrogate = [&] {
    return exam_surrogate(student.parameters(),
                          divergence(*teacher.model.logits, student.forward(course).logits), rate,
                          [&] {
                            const auto loss = torch::cross_entropy_loss(
                                student.forward(exam).logits.to(torch::kDouble), exam.labels);
                            exam_loss = loss.template item<double>();
                            return loss;
                          });
  };
  const auto z = teacher.model.logits->detach().clone();
  teacher.minimize(surrogate(), {});
  const auto gradient = (z - *teacher.model.logits).detach();

  // Along the gradient itself, where the difference is largest against the rounding of float32.
  const auto direction = gradient / gradient.norm();
  const auto loss_at = [&](double shift) {
    const torch::NoGradGuard without_graph;
    teacher.model.logits->copy_(z + direction * shift);
    {
      const torch::AutoGradMode on{true};
      (void)surrogate();
    }
    return exam_loss;
  };
  const double h = 0.05, found = (loss_at(h) - loss_at(-h)) / (2 * h);
  CHECK(gradient.norm().item<double>() > 1e-4);
  CHECK(gradient.norm().item<double>() == doctest::Approx(found).epsilon(0.02));
}
