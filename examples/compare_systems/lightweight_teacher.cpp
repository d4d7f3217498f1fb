// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LW-KD (Liu et al., 2020): a LeNet that has seen only drawn digits teaches the student. The
// trained teacher of the other rows is not used.

#include "systems.hpp"

namespace compare_systems {

std::vector<row> lightweight_teacher()
{
  return {row_of("LW-KD", [](const run& at, const auto& untrained) {
    const auto classes = at.data.train.shape.classes;
    const auto digits = rw::composed_digits({.classes = classes}).train;
    rw::supervised pretraining{.student = rw::lenet5(digits.shape, {.seed = at.seed}),
                               .optimizer = rw::adam{.learning_rate = 1e-3},
                               .lr_schedule = rw::constant_lr{},
                               .seed = at.seed};
    at.train_on(digits, 32, pretraining, "teacher", 10);

    rw::systems::lightweight_teacher_distillation step{
        .teacher = rw::frozen(pretraining.evaluated()),
        .student = rw::learner{.model = untrained(at.seed),
                               .optimizer = usual_optimizer,
                               .lr_schedule = usual_schedule{}},
        .sampler = rw::digits_of_class{.options = {.classes = classes},
                                       .normalization = digits.normalization},
        .discriminator = rw::systems::lightweight_discriminator(classes, at.seed),
        .agent = usual_agent,
        .seed = at.seed};
    at.train(step);
    return step.evaluated();
  })};
}

}  // namespace compare_systems
