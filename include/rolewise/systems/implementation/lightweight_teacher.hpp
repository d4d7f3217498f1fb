// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/systems/lightweight_teacher.hpp>.

#include <rolewise/systems/lightweight_teacher.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::systems::detail {

ROLEWISE_INLINE void check_lightweight(const lightweight_options& options,
                                       const paired_outputs& said)
{
  if (options.adversary.value() < 0.0)
    throw_invalid_argument("lightweight_teacher_distillation",
                           "want a weight of the adversary of 0 or more, got ",
                           options.adversary.value());
  const auto &t = said.teacher.logits, &s = said.student.logits;
  if (t.dim() != 2 || t.sizes() != s.sizes())
    throw_invalid_argument("lightweight_teacher_distillation",
                           "want logits [N, classes] of a teacher and a student with the same ",
                           "classes, got ", t.sizes(), " and ", s.sizes());
}

}  // namespace rolewise::systems::detail
