// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/reverse_kl.hpp>.

#include <rolewise/loss/reverse_kl.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/weighted_mean.hpp>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor reverse_kl::operator()(const paired_outputs& pair,
                                                     const targets& targets) const
{
  const auto& student = pair.student.logits;
  detail::require_alike(pair.teacher.logits, student, name);
  const double t = temperature.value();
  const auto log_p = detail::log_probabilities(pair.teacher.logits.detach(), t);
  const auto log_q = detail::log_probabilities(student, t);
  const auto values = (log_q.exp() * (log_q - log_p)).sum(1);
  return (detail::element_mean(values, targets, name) * (scale_by_t_squared ? t * t : 1.0))
      .to(student.scalar_type());
}

}  // namespace rolewise
