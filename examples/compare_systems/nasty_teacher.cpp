// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A nasty teacher, and the student that it spoils (Ma et al., 2021).

#include "systems.hpp"

namespace compare_systems {

std::vector<row> nasty_teacher()
{
  return {row_of("nasty teacher", [](const run& at, const auto& untrained) {
    rw::distillation spoiling{
        .teacher = rw::frozen(at.teacher),
        .student = rw::resnet20(at.data.train.shape, {.seed = at.seed.split(rw::role::teacher)}),
        .shared_agent = usual_agent,
        .loss = rw::systems::nasty_teacher_loss(rw::systems::nasty_for_cifar10),
        .optimizer = usual_optimizer,
        .lr_schedule = usual_schedule{},
        .seed = at.seed};
    at.train(spoiling, "teacher", 2 * at.epochs);
    return distilled(at, rw::frozen(spoiling.evaluated()), untrained(at.seed));
  })};
}

}  // namespace compare_systems
