// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the systems are compared with: labels alone, and plain knowledge distillation.

#include "systems.hpp"

namespace compare_systems {

std::vector<row> plain()
{
  return {row_of("labels alone",
                 [](const run& at, const auto& untrained) {
                   return trained_alone(at, untrained(at.seed), at.seed);
                 }),
          row_of("plain KD", [](const run& at, const auto& untrained) {
            return distilled(at, rw::frozen(at.teacher), untrained(at.seed));
          })};
}

}  // namespace compare_systems
