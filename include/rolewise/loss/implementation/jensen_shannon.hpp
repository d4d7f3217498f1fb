// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/jensen_shannon.hpp>.

#include <rolewise/loss/jensen_shannon.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/weighted_mean.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/logaddexp.h>

#include <cmath>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor jensen_shannon::operator()(const paired_outputs& pair,
                                                         const targets& targets) const
{
  const auto& student = pair.student.logits;
  detail::require_alike(pair.teacher.logits, student, name);
  const double b = teacher_share.value();
  if (!(b > 0.0 && b < 1.0))
    throw_invalid_argument(name, "want a teacher_share above 0 and below 1, got ", b);

  const double t = temperature.value();
  const auto log_p = detail::log_probabilities(pair.teacher.logits.detach(), t);
  const auto log_q = detail::log_probabilities(student, t);
  const auto log_m = at::logaddexp(log_p + std::log(b), log_q + std::log1p(-b));
  const auto values =
      (log_p.exp() * (log_p - log_m) * b + log_q.exp() * (log_q - log_m) * (1.0 - b)).sum(1);
  return (detail::element_mean(values, targets, name) * (scale_by_t_squared ? t * t : 1.0))
      .to(student.scalar_type());
}

}  // namespace rolewise
