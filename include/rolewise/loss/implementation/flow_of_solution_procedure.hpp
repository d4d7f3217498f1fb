// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/flow_of_solution_procedure.hpp>.

#include <rolewise/loss/flow_of_solution_procedure.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/bmm.h>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor flow_matrices(const torch::Tensor& from, const torch::Tensor& to)
{
  const auto [f, g] = of_one_size(from, to);
  const auto places = static_cast<double>(f.size(2) * f.size(3));
  return at::bmm(f.flatten(2), g.flatten(2).transpose(1, 2)) / places;
}

ROLEWISE_INLINE void require_equal_channels(const torch::Tensor& teacher,
                                            const torch::Tensor& student, std::string_view caller,
                                            tap_id tapped_at)
{
  require_maps(teacher, student, caller, tapped_at);
  if (teacher.size(1) != student.size(1))
    throw_invalid_argument(caller, "want as many channels of the student as of the teacher at ",
                           tap_name{tapped_at}.view(), ", got ", student.size(1), " and ",
                           teacher.size(1));
}

}  // namespace rolewise::detail
