// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Faster AutoAugment (Hataya et al., 2019): a policy that learns to deceive a critic, on an
// untrained student of as many epochs, and with which another student is then distilled.

#include "systems.hpp"

namespace compare_systems {

std::vector<row> faster_auto_augment()
{
  return {row_of_policy("Faster AutoAugment", [](const run& at, const auto& untrained) {
    rw::systems::faster_auto_augment search{
        .network = rw::learner{.model = untrained(at.seed),
                               .optimizer = rw::systems::faster_auto_augment_optimizer()},
        .agent = usual_agent,
        .policy = rw::systems::faster_auto_augment_policy({.seed = at.seed}),
        .seed = at.seed};
    at.train(search, "search");
    return rw::auto_augment{.policy = search.policy.model.best(),
                            .scale = rw::auto_augment_scale::even};
  })};
}

}  // namespace compare_systems
