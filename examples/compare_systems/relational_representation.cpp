// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Relational representation distillation, with soft targets (Giakoumoglou, Stathaki, 2024), in both
// published configurations. The queue holds a third of the images, as in the authors' runs.

#include "systems.hpp"

#include <algorithm>

namespace compare_systems {

std::vector<row> relational_representation()
{
  const auto configured = [](const char* name, const rw::relational_settings& settings) {
    return row_of(name, [settings](const run& at, const auto& untrained) {
      rw::distillation step{.teacher = rw::frozen(at.teacher),
                            .student = untrained(at.seed),
                            .shared_agent = usual_agent,
                            .loss = rw::systems::rrd_with_kd_loss<rw::tap::penultimate>(
                                {.settings = settings,
                                 .queue_size = std::max(at.batch_size, at.data.train.size() / 3),
                                 .seed = at.seed}),
                            .optimizer = usual_optimizer,
                            .lr_schedule = usual_schedule{},
                            .seed = at.seed};
      at.train(step);
      return step.evaluated();
    });
  };
  return {configured("RRD+KD, 2024", rw::rrd_of_2024), configured("RRD+KD, 2025", rw::rrd_of_2025)};
}

}  // namespace compare_systems
