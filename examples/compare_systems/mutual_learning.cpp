// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Deep mutual learning (Zhang et al., 2017): the student and a peer like it teach each other.

#include "systems.hpp"

#include <tuple>

namespace compare_systems {

std::vector<row> mutual_learning()
{
  return {row_of("mutual learning", [](const run& at, const auto& untrained) {
    using peer = rw::learner<decltype(untrained(at.seed)), rw::sgd, usual_schedule>;
    rw::mutual_learning step{
        .peers = std::tuple{peer{.model = untrained(at.seed), .optimizer = usual_optimizer},
                            peer{.model = untrained(at.seed.split(rw::role::teacher)),
                                 .optimizer = usual_optimizer}},
        .agent = usual_agent,
        .seed = at.seed};
    at.train(step);
    return step.evaluated();
  })};
}

}  // namespace compare_systems
