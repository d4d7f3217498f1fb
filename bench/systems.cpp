// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: the training step of each published system against the same step handwritten in plain
// LibTorch: same networks, same weight layout (channels last), same formula, same fused optimizer.
// ResNet-20 teaches ResNet-8, batch 128 of 32x32x3, 100 classes. Here are systems that are mainly a
// loss; systems_learned.cpp and systems_views.cpp have others.

#include "support/system_step.hpp"

#include <rolewise/rolewise.hpp>

#include <torch/torch.h>

#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

namespace rw = rolewise;
using namespace bench;

namespace {

auto usual_loss()
{
  return 0.1 * rw::cross_entropy{} + 0.9 * rw::soft_target_kl{rw::temperature{4}};
}

template<typename Teacher, typename Loss>
auto distillation_by(Teacher teacher, Loss loss)
{
  return rw::distillation{.teacher = std::move(teacher),
                          .student = rw::resnet8(shape),
                          .teacher_agent = rw::no_agent{},
                          .student_agent = rw::no_agent{},
                          .loss = std::move(loss)};
}

void nasty_teacher()
{
  auto step = distillation_by(rw::frozen(rw::resnet8(shape)), rw::systems::nasty_teacher_loss());
  plain_learner normal{8, shape}, nasty{8, shape};
  measure("nasty teacher", step, [&](const torch::Tensor& x, const torch::Tensor& labels) {
    const auto answer = normal.answer(x);
    const auto logits = nasty.network->forward(x);
    nasty.minimize(torch::cross_entropy_loss(logits, labels) -
                   0.04 * plain_divergence(logits, answer, 4));
  });
}

void mutual_learning()
{
  rw::mutual_learning step{.peers = std::tuple{rw::learner{.model = rw::resnet8(shape)},
                                               rw::learner{.model = rw::resnet8(shape)}}};
  plain_learner first{8, shape}, second{8, shape};
  measure("mutual learning", step, [&](const torch::Tensor& x, const torch::Tensor& labels) {
    const auto one = first.network->forward(x), two = second.network->forward(x);
    first.minimize(torch::cross_entropy_loss(one, labels) + plain_divergence(two.detach(), one, 1));
    torch::Tensor now;
    {
      const torch::NoGradGuard no_graph;
      now = first.network->forward(x);
    }
    second.minimize(torch::cross_entropy_loss(two, labels) + plain_divergence(now, two, 1));
  });
}

void ensemble()
{
  const auto member = [] { return rw::frozen(rw::resnet20(shape)); };
  auto step =
      distillation_by(rw::ensemble(std::vector{member(), member(), member()}), usual_loss());
  std::vector<plain_learner> teachers{{20, shape}, {20, shape}, {20, shape}};
  plain_learner student{8, shape};
  measure("ensemble of three", step, [&](const torch::Tensor& x, const torch::Tensor& labels) {
    torch::Tensor sum;
    for (auto& each : teachers) {
      const auto answer = each.answer(x);
      sum = sum.defined() ? sum + answer : answer;
    }
    const auto logits = student.network->forward(x);
    student.minimize(plain_usual_loss(sum / 3, logits, labels));
  });
}

void instance_knowledge()
{
  const rw::temperature t{4};
  auto step = distillation_by(
      rw::restricted(rw::frozen(rw::resnet20(shape)), rw::instance_knowledge{}, t), usual_loss());
  plain_learner teacher{20, shape}, student{8, shape};
  measure("instance knowledge", step, [&](const torch::Tensor& x, const torch::Tensor& labels) {
    const auto of_label = torch::softmax(teacher.answer(x) / 4, 1).gather(1, labels.unsqueeze(1));
    const auto rest = (1 - of_label) / static_cast<double>(shape.classes - 1);
    const auto kept =
        rest.expand({batch_size, shape.classes}).scatter(1, labels.unsqueeze(1), of_label);
    const auto logits = student.network->forward(x);
    const auto soft = torch::kl_div(torch::log_softmax(logits / 4, 1), kept, at::Reduction::Sum) *
                      (16.0 / batch_size);
    student.minimize(0.1 * torch::cross_entropy_loss(logits, labels) + 0.9 * soft);
  });
}

void relational_representation()
{
  constexpr std::int64_t queue_size = 16384, size = 128;
  auto step = distillation_by(
      rw::frozen(rw::resnet20(shape)),
      rw::systems::rrd_loss(rw::relational_representation_distillation<rw::tap::penultimate>{
          .settings = rw::rrd_of_2025}));
  plain_learner teacher{20, shape}, student{8, shape};
  torch::nn::Linear of_teacher(64, size), of_student(64, size);
  for (auto& p : of_student->parameters()) {
    student.parameters.push_back(p);
    student.momentum.push_back(torch::zeros_like(p));
  }
  auto queue = torch::nn::functional::normalize(torch::randn({queue_size, size}));
  std::int64_t next = 0;
  measure("RRD", step, [&](const torch::Tensor& x, const torch::Tensor& labels) {
    using torch::nn::functional::normalize;
    const auto pooled = student.network->pooled(x);
    const auto u = normalize(of_student(pooled));
    torch::Tensor wanted;
    {
      const torch::NoGradGuard no_graph;
      teacher.network->eval();
      const auto v = normalize(of_teacher(teacher.network->pooled(x)));
      queue.narrow(0, next, batch_size).copy_(v);
      next = (next + batch_size) % queue_size;
      wanted = torch::softmax(v.mm(queue.t()) / 0.02, 1);
    }
    const auto found = torch::log_softmax(u.mm(queue.t()) / 0.1, 1);
    student.minimize(torch::cross_entropy_loss(student.network->head(pooled), labels) -
                     (wanted * found).sum(1).mean());
  });
}

/// As the authors' code computes it: rows of both memories are gathered for each example. Negatives
/// of the step by hand are given.
void relational_memory()
{
  using torch::nn::functional::normalize;
  constexpr std::int64_t examples = 50000, negatives = 16384, size = 128;
  auto step = distillation_by(
      rw::frozen(rw::resnet20(shape)),
      rw::systems::rrd_loss(rw::relational_memory_distillation<rw::tap::penultimate>{
          .labels = torch::arange(examples).remainder(shape.classes), .negatives = negatives}));
  plain_learner teacher{20, shape}, student{8, shape};
  torch::nn::Linear of_teacher(64, size), of_student(64, size);
  for (auto& p : of_student->parameters()) {
    student.parameters.push_back(p);
    student.momentum.push_back(torch::zeros_like(p));
  }
  auto rows_of_teacher = normalize(torch::randn({examples, size}));
  auto rows_of_student = normalize(torch::randn({examples, size}));
  const auto places = torch::randint(examples, {batch_size, 1 + negatives}, torch::kLong);
  const auto own = torch::arange(batch_size);
  places.select(1, 0).copy_(own);
  measure("RRD, memory", step, [&](const torch::Tensor& x, const torch::Tensor& labels) {
    const auto similarities = [&](const torch::Tensor& unit, const torch::Tensor& rows) {
      const auto gathered =
          rows.index_select(0, places.flatten()).view({batch_size, 1 + negatives, size});
      const auto found = (gathered.bmm(unit.unsqueeze(2)).squeeze(2) / 0.07).exp();
      return found / (found.detach().mean() * static_cast<double>(examples));
    };
    const auto pooled = student.network->pooled(x);
    const auto u = normalize(of_student(pooled));
    torch::Tensor v, wanted;
    {
      const torch::NoGradGuard no_graph;
      teacher.network->eval();
      v = normalize(of_teacher(teacher.network->pooled(x)));
      wanted = torch::softmax(similarities(v, rows_of_student) / 0.02, 1);
    }
    const auto found = torch::log_softmax(similarities(u, rows_of_teacher) / 0.1, 1);
    student.minimize(torch::cross_entropy_loss(student.network->head(pooled), labels) -
                     (wanted * found).sum(1).mean());
    const torch::NoGradGuard no_graph;
    for (const auto& [rows, now] : {std::pair{rows_of_student, u}, std::pair{rows_of_teacher, v}})
      rows.index_copy_(0, own, normalize(rows.index_select(0, own) * 0.5 + now * 0.5));
  });
}

void comparative()
{
  const auto data = noise_data(batch_size);
  const auto large = rw::frozen(rw::resnet20(shape));
  auto step = distillation_by(rw::remembered(large, data), rw::systems::comparative_loss());
  plain_learner student{8, shape};
  const auto answers = torch::randn({batch_size, shape.classes});
  measure(
      "comparative distillation", step, [&](const torch::Tensor& x, const torch::Tensor& labels) {
        const auto differences = [](const torch::Tensor& rows) {
          const auto pairs = rows.view({batch_size / 2, 2, shape.classes});
          return pairs.select(1, 0) - pairs.select(1, 1);
        };
        const auto found = differences(student.network->forward(x));
        const auto known = differences(torch::one_hot(labels, shape.classes).to(torch::kFloat32));
        student.minimize(torch::mse_loss(found, known) +
                         torch::mse_loss(found, differences(answers)));
      });
}

}  // namespace

int main(int argc, char** argv)
{
  (void)bench::is_short(argc, argv);
  nasty_teacher();
  mutual_learning();
  ensemble();
  instance_knowledge();
  relational_representation();
  relational_memory();
  comparative();
}
