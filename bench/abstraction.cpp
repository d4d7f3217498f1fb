// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: overhead of the abstraction. A distillation step of the library, without agents and
// quantizer, against the same step handwritten in plain LibTorch: same networks, same weight layout
// (channels last), same loss, same fused optimizer.

#include "support/measure.hpp"
#include "support/plain_learner.hpp"

#include <rolewise/rolewise.hpp>

#include <torch/torch.h>

namespace rw = rolewise;

namespace {

/// The handwritten step in plain LibTorch.
struct by_hand {
  bench::plain_learner teacher, student;

  void operator()(const rw::batch& examples)
  {
    const auto x = bench::plain_input(examples);
    const auto answer = teacher.answer(x);
    const auto logits = student.network->forward(x);
    student.minimize(0.1 * torch::cross_entropy_loss(logits, examples.labels) +
                     0.9 * bench::plain_divergence(answer, logits, 4));
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
    by_hand plain{{teacher_depth, shape}, {student_depth, shape}};
    bench::print(bench::compare(
        name, 1.25, 15, [&] { (void)training(examples, rw::training_progress{}); },
        [&] { plain(examples); }));
  };
  measure("distillation step, ResNet-20 -> ResNet-8, against plain LibTorch", 20, 8,
          rw::resnet20(shape), rw::resnet8(shape));
  if (!is_short)
    measure("distillation step, ResNet-56 -> ResNet-20, against plain LibTorch", 56, 20,
            rw::resnet56(shape), rw::resnet20(shape));
}
