// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/neuron_selectivity_transfer.hpp>.

#include <rolewise/loss/neuron_selectivity_transfer.hpp>

#include <ATen/ops/bmm.h>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor selectivity_discrepancy(const torch::Tensor& teacher,
                                                      const torch::Tensor& student)
{
  const auto t = directions(teacher.flatten(2)), s = directions(student.flatten(2));
  const auto of_teacher = t.size(1), of_student = s.size(1), places = t.size(2);
  // The sum of (u . v)^2 over channels is |U V'|^2 and also the scalar product of U'U and V'V, so
  // with few places the discrepancy is the squared distance of two matrices of places.
  if (places * (of_teacher + of_student) <=
      of_teacher * of_teacher + of_student * of_student + of_teacher * of_student) {
    const auto of_places = [](const torch::Tensor& u) {
      return at::bmm(u.transpose(1, 2), u) / static_cast<double>(u.size(1));
    };
    return (of_places(s) - of_places(t)).square().sum({1, 2});
  }
  const auto kernel = [](const torch::Tensor& u, const torch::Tensor& v) {
    return at::bmm(u, v.transpose(1, 2)).square().mean({1, 2});
  };
  return kernel(t, t) + kernel(s, s) - 2.0 * kernel(s, t);
}

}  // namespace rolewise::detail
