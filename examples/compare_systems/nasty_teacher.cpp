// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A nasty teacher, and the student that it spoils (Ma et al., 2021).

#include "systems.hpp"

namespace compare_systems {

std::vector<row> nasty_teacher()
{
  return {row_of("nasty teacher", [](const run& at, const auto& untrained) {
    const auto nasty = distilled(
        at, rw::frozen(at.teacher),
        rw::resnet20(at.data.train.shape, {.seed = at.seed.split(rw::role::teacher)}), "teacher",
        2 * at.epochs, rw::systems::nasty_teacher_loss(rw::systems::nasty_for_cifar10));
    return distilled(at, rw::frozen(nasty), untrained(at.seed));
  })};
}

}  // namespace compare_systems
