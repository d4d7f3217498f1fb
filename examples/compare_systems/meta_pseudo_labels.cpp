// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Meta Pseudo Labels (Pham et al., 2020): the student learns classes that the teacher draws, and no
// label; the teacher learns whether they helped. All training images have labels here, so that the
// student can be compared with the others; the method is for sets of which few have.

#include "systems.hpp"

namespace compare_systems {

std::vector<row> meta_pseudo_labels()
{
  return {row_of("Meta Pseudo Labels", [](const run& at, const auto& untrained) {
    rw::systems::meta_pseudo_labels step{
        .teacher = rw::learner{.model = at.teacher, .optimizer = rw::sgd{.learning_rate = 0.005}},
        .student = rw::learner{.model = untrained(at.seed),
                               .optimizer = usual_optimizer,
                               .lr_schedule = usual_schedule{}},
        .labeled = rw::batch_cycle{.data = at.data.train,
                                   .size = at.batch_size,
                                   .seed = at.seed.split(rw::purpose{"labeled"})},
        .weak_agent = usual_agent,
        .strong_agent = usual_agent,
        .seed = at.seed};
    at.train(step);
    return step.evaluated();
  })};
}

}  // namespace compare_systems
