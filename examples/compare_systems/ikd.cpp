// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// IKD (Liu et al., 2021): the teacher goes on learning, from how the student does in an exam after
// each of its updates. Exams are other batches of the training images, so that all students learn
// from the same ones; with images to spare, hold some out.

#include "systems.hpp"

namespace compare_systems {

std::vector<row> ikd()
{
  return {row_of("IKD", [](const run& at, const auto& untrained) {
    rw::systems::ikd step{
        .teacher = rw::learner{.model = at.teacher, .optimizer = rw::sgd{.learning_rate = 0.0005}},
        .student = rw::learner{.model = untrained(at.seed),
                               .optimizer = usual_optimizer,
                               .lr_schedule = usual_schedule{}},
        .exam = rw::batch_cycle{.data = at.data.train,
                                .size = at.batch_size,
                                .seed = at.seed.split(rw::purpose{"exam"})},
        .agent = usual_agent,
        .seed = at.seed};
    at.train(step);
    return step.evaluated();
  })};
}

}  // namespace compare_systems
