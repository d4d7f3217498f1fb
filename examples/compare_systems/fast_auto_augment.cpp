// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fast AutoAugment (Lim et al., 2019): policies under which a network that was trained without them
// recognizes held-out images; two folds of 30 trials where the paper has five of 200.

#include "systems.hpp"

namespace compare_systems {

std::vector<row> fast_auto_augment()
{
  return {row_of_policy("Fast AutoAugment", [](const run& at, const auto& untrained) {
    int fold = 0;
    const rw::systems::fast_auto_augment search{
        .network =
            [&](const rw::dataset& train, rw::seed own) {
              rw::supervised training{.student = untrained(own),
                                      .agent = usual_agent,
                                      .optimizer = usual_optimizer,
                                      .lr_schedule = usual_schedule{},
                                      .seed = own};
              at.train_on(train, at.batch_size, training, "fold " + std::to_string(fold++));
              return training.evaluated();
            },
        .folds = 2,
        .trials = 30,
        .best = 5,
        .shared = usual_agent,
        .seed = at.seed};
    return rw::auto_augment{.policy = search(at.data.train).policy, .scale = search.scale};
  })};
}

}  // namespace compare_systems
