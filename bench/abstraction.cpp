// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: overhead of the abstraction. A distillation step of the library, without agents and
// quantizer, against the same step handwritten in plain LibTorch: same networks, same weight layout
// (channels last), same loss, same fused optimizer.

#include "support/measure.hpp"
#include "support/plain_resnet.hpp"

#include <rolewise/rolewise.hpp>

#include <torch/torch.h>

namespace rw = rolewise;
using bench::resnet;

namespace {

/// The handwritten step in plain LibTorch.
struct by_hand {
  std::shared_ptr<resnet> teacher, student;
  std::vector<torch::Tensor> parameters, momentum;

  by_hand(int teacher_depth, int student_depth, const rw::sample_shape& shape)
      : teacher{std::make_shared<resnet>(teacher_depth, shape.channels, shape.classes)},
        student{std::make_shared<resnet>(student_depth, shape.channels, shape.classes)}
  {
    teacher->eval();
    parameters = student->parameters();
    for (const auto& p : parameters) momentum.push_back(torch::zeros_like(p));
  }

  void operator()(const rw::batch& examples, double rate)
  {
    const auto x =
        examples.inputs.to(torch::kFloat32, false, true, torch::MemoryFormat::ChannelsLast)
            .sub_(127.5)
            .mul_(1.0 / 63.75);
    torch::Tensor answer;
    {
      torch::NoGradGuard no_graph;
      answer = teacher->forward(x);
    }
    const auto logits = student->forward(x);
    const auto task = torch::cross_entropy_loss(logits, examples.labels);
    const auto soft = torch::kl_div(torch::log_softmax(logits / 4, 1),
                                    torch::log_softmax(answer / 4, 1), at::Reduction::Sum, true) *
                      (16.0 / static_cast<double>(examples.size()));
    (0.1 * task + 0.9 * soft).backward();
    std::vector<torch::Tensor> gradients;
    for (const auto& p : parameters) gradients.push_back(p.grad());
    torch::NoGradGuard no_graph;
    at::_fused_sgd_(parameters, gradients, momentum, 5e-4, 0.9, rate, 0.0, true, false, false);
    for (auto& p : parameters) p.mutable_grad() = torch::Tensor{};
  }
};

}  // namespace

int main(int argc, char** argv)
{
  const bool is_short = bench::is_short(argc, argv);
  const rw::sample_shape shape{.channels = 3, .height = 32, .width = 32, .classes = 100};
  const rw::batch examples{.inputs = torch::randint(0, 256, {128, 3, 32, 32}, torch::kByte),
                           .labels = torch::randint(0, 100, {128}, torch::kLong),
                           .ids = torch::arange(128),
                           .normalization = {.mean = {.5, .5, .5}, .std = {.25, .25, .25}}};

  const auto measure = [&](const char* name, int teacher_depth, int student_depth, auto teacher,
                           auto student) {
    rw::distillation training{
        .teacher = rw::frozen(std::move(teacher)),
        .student = std::move(student),
        .teacher_agent = rw::no_agent{},
        .student_agent = rw::no_agent{},
        .loss = 0.1 * rw::cross_entropy{} + 0.9 * rw::soft_target_kl{rw::temperature{4}},
    };
    by_hand plain{teacher_depth, student_depth, shape};
    bench::print(bench::compare(
        name, 1.25, 15, [&] { (void)training(examples, rw::training_progress{}); },
        [&] { plain(examples, 0.01); }));
  };
  measure("distillation step, ResNet-20 -> ResNet-8, against plain LibTorch", 20, 8,
          rw::resnet20(shape), rw::resnet8(shape));
  if (!is_short)
    measure("distillation step, ResNet-56 -> ResNet-20, against plain LibTorch", 56, 20,
            rw::resnet56(shape), rw::resnet20(shape));
}
