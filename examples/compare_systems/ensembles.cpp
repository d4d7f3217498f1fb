// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ensemble distillation and self-distillation (Allen-Zhu, Li, 2020).

#include "systems.hpp"

namespace compare_systems {

std::vector<row> ensembles()
{
  return {row_of("three teachers",
                 [](const run& at, const auto& untrained) {
                   const auto another = [&](std::uint64_t number) {
                     const auto seed = at.seed.split(number);
                     return rw::frozen(
                         trained_alone(at, rw::resnet20(at.data.train.shape, {.seed = seed}), seed,
                                       "teacher-" + std::to_string(number), 2 * at.epochs));
                   };
                   const auto together =
                       rw::ensemble(std::vector{rw::frozen(at.teacher), another(2), another(3)});
                   return distilled(at, together, untrained(at.seed));
                 }),
          row_of("self-distillation", [](const run& at, const auto& untrained) {
            const auto first = distilled(at, rw::frozen(at.teacher),
                                         untrained(at.seed.split(rw::role::teacher)), "teacher");
            return distilled(at, rw::frozen(first), untrained(at.seed));
          })};
}

}  // namespace compare_systems
