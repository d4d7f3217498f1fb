// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Comparative distillation: differences of answers that the teacher gave once (2023).

#include "systems.hpp"

namespace compare_systems {

/// The one view of each image that the teacher is asked about.
static auto asked(rw::seed seed)
{
  return rw::shown_views{.teacher_agent = rw::cyclic_views{.agent = usual_agent}, .seed = seed};
}

std::vector<row> comparative_distillation()
{
  return {row_of("comparative distillation", [](const run& at, const auto& untrained) {
    rw::distillation step{
        .teacher = rw::remembered(rw::frozen(at.teacher), at.data.train, asked(at.seed)),
        .student = untrained(at.seed),
        .student_agent = rw::fresh_views{usual_agent},
        .loss = rw::systems::comparative_loss(),
        .optimizer = usual_optimizer,
        .lr_schedule = usual_schedule{},
        .seed = at.seed};
    // Tuples in the place of examples: as many updates, of twice as many images.
    at.train_on(rw::sample_tuples{at.data.train}, 2 * at.batch_size, step);
    return step.evaluated();
  })};
}

}  // namespace compare_systems
