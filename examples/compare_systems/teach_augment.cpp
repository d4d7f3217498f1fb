// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TeachAugment (Suzuki, 2022): augmentation that is learned against the student, as far as the
// teacher still recognizes the images.

#include "systems.hpp"

namespace compare_systems {

std::vector<row> teach_augment()
{
  return {row_of("TeachAugment", [](const run& at, const auto& untrained) {
    const auto& shape = at.data.train.shape;
    rw::systems::teach_augment step{
        .teacher = rw::frozen(at.teacher),
        .student = rw::learner{.model = untrained(at.seed),
                               .optimizer = usual_optimizer,
                               .lr_schedule = usual_schedule{}},
        .augmenter = {.model = rw::learned_augmentation{shape, {.seed = at.seed}}},
        .agent = usual_agent,
        .loss = usual_loss(),
        .options = {.cutout_size = shape.height / 2},
        .seed = at.seed};
    at.train(step);
    return step.evaluated();
  })};
}

}  // namespace compare_systems
