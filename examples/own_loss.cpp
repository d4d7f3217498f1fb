// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A distillation loss of your own: a template for experiments on losses.
//
//     build/test/examples/own_loss
//
// trains a small student on the built-in glyphs under the loss below and prints its accuracy
// (about 0.9 after a few seconds; chance is 0.1).

#include <rolewise/rolewise.hpp>

#include <iostream>

namespace rw = rolewise;

namespace mine {

/// Squared distance of centered logits: the limit of soft targets at a high temperature
/// (Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015, section 2.1).
struct centered_logits {
  static constexpr std::string_view name = "centered-logits";  // for reports and records
  static constexpr bool has_state = false;                     // with state: define visit_state
  static constexpr rw::invariances invariances{                // for the laws
                                               .student_shift = true,
                                               .teacher_shift = true,
                                               .example_order = true};

  torch::Tensor operator()(const rw::paired_outputs& pair) const
  {
    const auto teacher = pair.teacher.logits.detach(), student = pair.student.logits;
    const auto distance = (student - student.mean(1, true)) - (teacher - teacher.mean(1, true));
    return distance.square().mean() / 2;
  }
};

// Reports a violated requirement here, in words; otherwise the step that uses the loss reports it.
static_assert(rw::DistillationLoss<centered_logits>);

}  // namespace mine

int main()
{
  const auto data = rw::glyphs({.classes = 10, .train = 1500, .test = 500, .seed = rw::seed{1}});

  rw::supervised pretraining{.student = rw::resnet14(data.shape)};
  rw::fit(pretraining, data.train, {.epochs = 4, .batch_size = 64});

  rw::distillation training{
      .teacher = rw::frozen(pretraining.student),
      .student = rw::resnet8(data.shape),
      // `weight` allows losses of any namespace in a weighted sum.
      .loss = rw::weight{0.5} * rw::cross_entropy{} + rw::weight{0.5} * mine::centered_logits{},
  };
  rw::fit(training, data.train, {.epochs = 4, .batch_size = 64});

  std::cout << "teacher " << rw::accuracy(pretraining.student, data.test) << ", student "
            << rw::accuracy(training.student, data.test) << '\n';
  rw::require_written();
}
