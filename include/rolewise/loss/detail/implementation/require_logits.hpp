// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/require_logits.hpp>.

#include <rolewise/loss/detail/require_logits.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void require_logits(const torch::Tensor& logits, std::string_view caller)
{
  if (!logits.defined()) throw_invalid_argument(caller, "logits are undefined");
  if (logits.dim() < 2 || logits.numel() == 0)
    throw_invalid_argument(caller, "want logits [N, C] or [N, C, ...], no size 0, got ",
                           logits.sizes());
  if (!logits.is_floating_point())
    throw_invalid_argument(caller, "want logits of floating point, got ", logits.scalar_type());
}

ROLEWISE_INLINE void require_alike(const torch::Tensor& teacher, const torch::Tensor& student,
                                   std::string_view caller)
{
  require_logits(student, caller);
  if (!teacher.defined()) throw_invalid_argument(caller, "logits of the teacher are undefined");
  const auto alike = [&](const char* what, const auto& of_teacher, const auto& of_student) {
    if (of_teacher != of_student)
      throw_invalid_argument(caller, what, " of teacher ", of_teacher, ", of student ", of_student);
  };
  alike("shape", teacher.sizes(), student.sizes());
  alike("dtype", teacher.scalar_type(), student.scalar_type());
  alike("device", teacher.device(), student.device());
}

ROLEWISE_INLINE void require_two_classes(const torch::Tensor& logits, std::string_view caller)
{
  if (logits.size(1) < 2)
    throw_invalid_argument(caller, "want logits of at least 2 classes, got ", logits.sizes());
}

}  // namespace rolewise::detail
