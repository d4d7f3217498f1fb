// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Backward-pass KD (2023): the student also learns from images that are moved to where it differs
// most from the teacher; from the second epoch on.

#include "systems.hpp"

namespace compare_systems {

std::vector<row> backward_kd()
{
  return {row_of("backward-pass KD", [](const run& at, const auto& untrained) {
    rw::systems::backward_kd step{
        .teacher = rw::frozen(at.teacher),
        .student = rw::learner{.model = untrained(at.seed),
                               .optimizer = usual_optimizer,
                               .lr_schedule = usual_schedule{}},
        .agent = usual_agent,
        .loss = usual_loss(),
        .auxiliary_loss = rw::systems::auxiliary_kd_loss(0.9, rw::temperature{4}),
        .ascent = {.within = rw::pixel_range(at.data.train.normalization)},
        .seed = at.seed};
    at.train(step);
    return step.evaluated();
  })};
}

}  // namespace compare_systems
