// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/singular_value_distillation.hpp>.

#include <rolewise/loss/singular_value_distillation.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor kernel_distances(const singular_pair& before,
                                               const singular_pair& after)
{
  constexpr double width = 8.0;
  const auto kernel = [](const torch::Tensor& one, const torch::Tensor& two) {
    return ((two.unsqueeze(2) - one.unsqueeze(1)).square() / -width).exp();
  };
  const auto apart = kernel(before.student, after.student) - kernel(before.teacher, after.teacher);
  return apart.square().flatten(1).sum(1);
}

}  // namespace rolewise::detail
