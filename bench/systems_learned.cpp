// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: as systems.cpp, of systems in which more than the student moves: inputs, a
// discriminator, or the teacher. By hand each is written so that no pass is made twice.

#include "support/system_step.hpp"

#include <rolewise/rolewise.hpp>

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rw = rolewise;
using namespace bench;

namespace {

void backward_kd()
{
  rw::systems::backward_kd step{.teacher = rw::frozen(rw::resnet20(shape)),
                                .student = rw::learner{.model = rw::resnet8(shape)},
                                .ascent = {.within = rw::pixel_range(noise().normalization)}};
  plain_learner teacher{20, shape}, student{8, shape}, past{8, shape};
  for (auto* fixed : {&teacher, &past})
    for (auto& p : fixed->parameters) p.set_requires_grad(false);
  past.network->eval();
  teacher.network->eval();
  const auto by_hand = [&](const torch::Tensor& x, const torch::Tensor& labels) {
    const auto norms = [](const torch::Tensor& t) {
      return t.flatten(1).norm(2, {1}).view({-1, 1, 1, 1});
    };
    auto moved = x;
    torch::Tensor eta;
    for (int i = 0; i < 5; ++i) {
      const auto u = moved.detach().requires_grad_();
      const auto distance = (past.network->forward(u) - teacher.network->forward(u)).square().sum();
      const auto slope = torch::autograd::grad({distance}, {u}).front();
      if (i == 0) eta = 0.005 * norms(x) / norms(slope);
      moved = (u.detach() + eta * slope).clamp_(-2, 2);
    }
    const auto other =
        0.5 * plain_divergence(teacher.answer(moved), student.network->forward(moved), 1);
    const auto answer = teacher.answer(x);
    const auto logits = student.network->forward(x);
    student.minimize(0.5 * torch::cross_entropy_loss(logits, labels) +
                     0.5 * plain_divergence(answer, logits, 1) + other);
  };
  measure("backward-pass KD", step, by_hand, {.epoch = 1});
}

void lightweight_teacher()
{
  using torch::nn::Linear;
  const auto bank = noise_data(10 * shape.classes);
  rw::systems::lightweight_teacher_distillation step{
      .teacher = rw::frozen(rw::resnet20(shape)),
      .student = rw::learner{.model = rw::resnet8(shape)},
      .sampler = rw::example_of_class{bank},
      .discriminator = rw::systems::lightweight_discriminator(shape.classes)};
  plain_learner teacher{20, shape}, student{8, shape};
  const auto leaky = [] {
    return torch::nn::LeakyReLU(torch::nn::LeakyReLUOptions().negative_slope(0.2));
  };
  torch::nn::Sequential judge(Linear(shape.classes, 64), leaky(), Linear(64, 64), leaky(),
                              Linear(64, 1));
  torch::optim::Adam of_judge(judge->parameters(),
                              torch::optim::AdamOptions(1e-3).betas({.5, .999}));
  measure("LW-KD", step, [&](const torch::Tensor& x, const torch::Tensor& labels) {
    const auto drawn = labels + shape.classes * torch::randint(0, 10, {batch_size}, torch::kLong);
    const auto answer = teacher.answer(plain_input(bank.inputs.index_select(0, drawn)));
    const auto logits = student.network->forward(x);
    const auto p = torch::softmax(answer / 4, 1), q = torch::softmax(logits / 4, 1);
    of_judge.zero_grad();
    (torch::softplus(-judge->forward(p)).mean() +
     torch::softplus(judge->forward(q.detach())).mean())
        .backward();
    of_judge.step();
    for (auto& each : judge->parameters()) each.set_requires_grad(false);
    student.minimize(plain_usual_loss(answer, logits, labels) +
                     0.1 * torch::softplus(-judge->forward(q)).mean());
    for (auto& each : judge->parameters()) each.set_requires_grad(true);
  });
}

/// The next 64 of examples, normalized, and their labels.
struct exam_paper {
  rw::dataset data;
  std::int64_t next = 0;

  std::pair<torch::Tensor, torch::Tensor> operator()()
  {
    const auto drawn = torch::arange(next, next + 64);
    next = (next + 64) % data.inputs.size(0);
    return {plain_input(data.inputs.index_select(0, drawn)), data.labels.index_select(0, drawn)};
  }
};

void interactive()
{
  const auto held_out = noise_data(1024);
  rw::systems::ikd step{.teacher = rw::learner{.model = rw::resnet20(shape)},
                        .student = rw::learner{.model = rw::resnet8(shape)},
                        .exam = rw::batch_cycle{.data = held_out, .size = 64}};
  plain_learner teacher{20, shape}, student{8, shape}, updated{8, shape};
  exam_paper exam{held_out};
  measure("IKD", step, [&](const torch::Tensor& x, const torch::Tensor& labels) {
    constexpr double rate = 0.1;
    teacher.network->eval();
    const auto answer = teacher.network->forward(x);
    const auto course = plain_usual_loss(answer, student.network->forward(x), labels);
    const auto slopes = torch::autograd::grad({course}, student.parameters, {}, true, true);
    copy_network(*student.network, *updated.network);  // the graph still needs the old values
    std::vector<torch::Tensor> gradients;
    for (const auto& s : slopes) gradients.push_back(s.detach());
    {
      const torch::NoGradGuard no_graph;
      at::_fused_sgd_(updated.parameters, gradients, student.momentum, 5e-4, 0.9, rate, 0.0, true,
                      false, false);
    }
    const auto [paper, solutions] = exam();
    const auto found = torch::cross_entropy_loss(updated.network->forward(paper), solutions);
    const auto v = torch::autograd::grad({found}, updated.parameters);
    torch::Tensor through = torch::zeros({});
    for (std::size_t i = 0; i < v.size(); ++i) through = through - rate * (slopes[i] * v[i]).sum();
    const auto feedback = torch::autograd::grad({through}, {answer}, {}, true).front();
    auto taught = torch::autograd::grad({answer}, teacher.parameters, {feedback});
    teacher.network->train();
    for (std::size_t i = 0; i < taught.size(); ++i)
      teacher.parameters[i].mutable_grad() = taught[i];
    teacher.minimize(torch::cross_entropy_loss(teacher.network->forward(paper), solutions));
    const torch::NoGradGuard no_graph;  // the exam moved the statistics of the copy alone
    for (std::size_t i = 0; i < v.size(); ++i) student.parameters[i].copy_(updated.parameters[i]);
  });
}

void meta_pseudo_labels()
{
  const auto labeled = noise_data(1024);
  rw::systems::meta_pseudo_labels step{.teacher = rw::learner{.model = rw::resnet20(shape)},
                                       .student = rw::learner{.model = rw::resnet8(shape)},
                                       .labeled = rw::batch_cycle{.data = labeled, .size = 64}};
  plain_learner teacher{20, shape}, student{8, shape};
  exam_paper next{labeled};
  auto baseline = torch::zeros({});
  measure("Meta Pseudo Labels", step, [&](const torch::Tensor& x, const torch::Tensor&) {
    const auto smoothed = [](const torch::Tensor& logits, const torch::Tensor& of) {
      return torch::cross_entropy_loss(logits, of, {}, at::Reduction::Mean, -100, 0.15);
    };
    const auto paper = next();
    const auto &known = paper.first, &labels = paper.second;
    const auto strong = teacher.network->forward(x);
    const auto pseudo = torch::softmax(strong.detach(), 1).multinomial(1).squeeze(1);
    const auto score = [&] {
      const torch::NoGradGuard no_graph;
      return torch::cross_entropy_loss(rehearsed(*student.network, known), labels);
    };
    const auto before = score();
    student.minimize(smoothed(student.network->forward(x), pseudo));
    const auto fall = before - score();
    baseline.lerp_(fall, 0.01);
    torch::Tensor target;
    {
      const torch::NoGradGuard no_graph;
      target = torch::softmax(teacher.network->forward(x) / 0.7, 1);
    }
    const auto consistency =
        -((target * torch::log_softmax(strong, 1)).sum(1) * target.amax(1).ge(0.6)).mean();
    teacher.minimize(smoothed(teacher.network->forward(known), labels) + 8.0 * consistency +
                     (fall - baseline) * torch::cross_entropy_loss(strong, pseudo));
  });
}

}  // namespace

int main(int argc, char** argv)
{
  if (is_short(argc, argv)) repetitions = 5;
  backward_kd();
  lightweight_teacher();
  interactive();
  meta_pseudo_labels();
}
