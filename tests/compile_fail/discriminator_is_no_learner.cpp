// expect: lightweight_teacher_distillation: .discriminator must be a learner
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/systems/lightweight_teacher.hpp>
#include <rolewise/teacher/frozen.hpp>

#include "support/tiny_student.hpp"

// A discriminator without what trains it.
auto use_discriminator(const rolewise::testing::tiny_student& net)
{
  const auto discriminator = rolewise::systems::lightweight_discriminator(10);
  return rolewise::systems::lightweight_teacher_distillation{
      .teacher = rolewise::frozen(net),
      .student = rolewise::learner<rolewise::testing::tiny_student>{.model = net},
      .sampler = rolewise::no_agent{},
#ifdef ROLEWISE_CONTROL
      .discriminator = discriminator
#else
      .discriminator = discriminator.model
#endif
  };
}
