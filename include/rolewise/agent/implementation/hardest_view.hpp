// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/hardest_view.hpp>.

#include <rolewise/agent/hardest_view.hpp>

#include <ATen/ops/log_softmax.h>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor entropy_of(const torch::Tensor& logits)
{
  const auto log_p = at::log_softmax(logits.to(torch::kDouble), 1);
  // Clamped so that 0 log 0 is 0.
  return -(log_p.exp() * log_p.clamp_min(-1e300)).sum(1);
}

ROLEWISE_INLINE torch::Tensor divergence_of(const torch::Tensor& teacher,
                                            const torch::Tensor& student, temperature of)
{
  if (!teacher.defined() || !student.defined() || teacher.sizes() != student.sizes())
    throw_invalid_argument("divergence_of", "want logits of one shape of teacher and student");
  const auto log_p = at::log_softmax(teacher.to(torch::kDouble) / of.value(), 1),
             log_q = at::log_softmax(student.to(torch::kDouble) / of.value(), 1);
  return (log_p.exp() * (log_p.clamp_min(-1e300) - log_q.clamp_min(-1e300))).sum(1);
}

}  // namespace rolewise
