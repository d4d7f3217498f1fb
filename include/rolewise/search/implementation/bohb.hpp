// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/bohb.hpp>.

#include <rolewise/search/bohb.hpp>

namespace rolewise::search {

ROLEWISE_INLINE std::vector<decision> bohb::operator()(const search_space& space,
                                                       const std::vector<trial_state>& trial_states,
                                                       seed key) const
{
  const auto dimensions = static_cast<std::int64_t>(space.dimensions().size());
  auto model = proposals;
  model.start_up = std::max(model.start_up, dimensions + 3);
  model.least_good = std::max(model.least_good, dimensions + 1);
  return budget.decide(trial_states, [&](std::int64_t trial) {
    return model.propose(space, trial_states, key, trial);
  });
}

}  // namespace rolewise::search
