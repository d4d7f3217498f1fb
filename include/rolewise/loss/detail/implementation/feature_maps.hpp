// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/feature_maps.hpp>.

#include <rolewise/loss/detail/feature_maps.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/adaptive_avg_pool2d.h>

#include <algorithm>

namespace rolewise::detail {

ROLEWISE_INLINE void require_maps(const torch::Tensor& teacher, const torch::Tensor& student,
                                  std::string_view caller, tap_id tapped_at)
{
  const auto at = tap_name{tapped_at};
  for (const auto* maps : {&teacher, &student})
    if (!maps->defined() || maps->dim() != 4 || maps->numel() == 0 || !maps->is_floating_point())
      throw_invalid_argument(
          caller, "want maps [N, C, H, W] of floating point at ", at.view(), ", got ",
          maps->defined() ? classic_text(maps->sizes(), " of ", maps->scalar_type())
                          : "an undefined tensor",
          maps == &teacher ? " of the teacher" : " of the student");
  const auto alike = [&](const char* what, const auto& of_teacher, const auto& of_student) {
    if (of_teacher != of_student)
      throw_invalid_argument(caller, what, " at ", at.view(), " of teacher ", of_teacher,
                             ", of student ", of_student);
  };
  alike("number of examples", teacher.size(0), student.size(0));
  alike("dtype", teacher.scalar_type(), student.scalar_type());
  alike("device", teacher.device(), student.device());
}

ROLEWISE_INLINE std::pair<torch::Tensor, torch::Tensor> of_one_size(const torch::Tensor& teacher,
                                                                    const torch::Tensor& student)
{
  const auto rows = std::min(teacher.size(2), student.size(2));
  const auto columns = std::min(teacher.size(3), student.size(3));
  const auto sized = [&](const torch::Tensor& maps) {
    const auto exact =
        c10::isReducedFloatingType(maps.scalar_type()) ? maps.to(torch::kFloat) : maps;
    return exact.size(2) == rows && exact.size(3) == columns
               ? exact
               : at::adaptive_avg_pool2d(exact, {rows, columns});
  };
  return {sized(teacher), sized(student)};
}

}  // namespace rolewise::detail
