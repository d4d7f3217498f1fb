// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// DADA (Li et al., 2020): a policy that is learned by gradient, on an untrained student of as many
// epochs, and with which another student is then distilled.

#include "systems.hpp"

namespace compare_systems {

std::vector<row> dada()
{
  return {row_of_policy("DADA", [](const run& at, const auto& untrained) {
    const auto halves = rw::stratified_split(at.data.train, rw::fraction{0.5}, at.seed);
    rw::systems::dada search{.network = rw::learner{.model = untrained(at.seed),
                                                    .optimizer = usual_optimizer,
                                                    .lr_schedule = usual_schedule{}},
                             .exam = rw::batch_cycle{.data = halves.validation,
                                                     .size = at.batch_size,
                                                     .seed = at.seed.split(rw::purpose{"exam"})},
                             .agent = usual_agent,
                             .seed = at.seed};
    at.train_on(halves.train, at.batch_size, search, "search");
    return rw::auto_augment{.policy = search.policy.model.best(25),
                            .scale = rw::auto_augment_scale::even};
  })};
}

}  // namespace compare_systems
