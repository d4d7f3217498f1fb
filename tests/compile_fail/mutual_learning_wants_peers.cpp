// expect: mutual_learning: .peers must be a std::tuple of at least two learners
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/mutual_learning.hpp>

#include "support/tiny_student.hpp"

#include <tuple>

// Students without what trains them.
auto use_peers(const rolewise::testing::tiny_student& network)
{
#ifdef ROLEWISE_CONTROL
  const rolewise::learner<rolewise::testing::tiny_student> peer{.model = network};
#else
  const auto& peer = network;
#endif
  return rolewise::mutual_learning{.peers = std::tuple{peer, peer}};
}
