// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/activation_boundary.hpp>.

#include <rolewise/loss/activation_boundary.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor boundary_hinges(const torch::Tensor& teacher,
                                              const torch::Tensor& student, double margin)
{
  const auto wrong_way = at::where(teacher > 0, -student, student);
  return (wrong_way + margin).clamp_min(0.0).square().flatten(1).sum(1);
}

}  // namespace rolewise::detail
