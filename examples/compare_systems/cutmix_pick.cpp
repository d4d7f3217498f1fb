// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CutMixPick (Wang et al., 2022): a second view of each batch, of which the least certain images
// are kept.

#include "systems.hpp"

namespace compare_systems {

std::vector<row> cutmix_pick()
{
  return {row_of("CutMixPick", [](const run& at, const auto& untrained) {
    rw::systems::cutmix_pick step{.teacher = rw::frozen(at.teacher),
                                  .student = rw::learner{.model = untrained(at.seed),
                                                         .optimizer = usual_optimizer,
                                                         .lr_schedule = usual_schedule{}},
                                  .base = usual_agent,
                                  .seed = at.seed};
    at.train(step);
    return step.evaluated();
  })};
}

}  // namespace compare_systems
