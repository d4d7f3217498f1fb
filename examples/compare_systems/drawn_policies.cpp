// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RandAugment (Cubuk et al., 2019) and TrivialAugment (Müller, Hutter, 2021): policies without a
// search, which one that searches has to beat.

#include "systems.hpp"

namespace compare_systems {

std::vector<row> drawn_policies()
{
  return {row_of_policy("RandAugment", [](const run&, const auto&) { return rw::rand_augment{}; }),
          row_of_policy("TrivialAugment",
                        [](const run&, const auto&) { return rw::trivial_augment{}; })};
}

}  // namespace compare_systems
