// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/logit_divergences.hpp>.

#include <rolewise/loss/logit_divergences.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/weighted_mean.hpp>
#include <rolewise/loss/soft_target_kl.hpp>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor squared_logit_distance::operator()(const paired_outputs& pair,
                                                                 const targets& targets) const
{
  const auto& student = pair.student.logits;
  detail::require_alike(pair.teacher.logits, student, name);
  const auto apart = detail::wide_enough(student) - detail::wide_enough(pair.teacher.logits);
  return detail::element_mean(apart.square().sum(1), targets, name).to(student.scalar_type());
}

ROLEWISE_INLINE torch::Tensor two_sided_kl::operator()(const paired_outputs& pair,
                                                       const targets& targets) const
{
  const auto &teacher = pair.teacher.logits, &student = pair.student.logits;
  detail::require_alike(teacher, student, name);
  if (!teacher.requires_grad()) return soft_target_kl{.temperature = temperature}(pair, targets);
  const double t = temperature.value();
  const auto log_p = detail::log_probabilities(teacher, t);
  const auto log_q = detail::log_probabilities(student, t);
  const auto values = (log_p.exp() * (log_p - log_q)).sum(1);
  return (detail::element_mean(values, targets, name) * (t * t)).to(student.scalar_type());
}

}  // namespace rolewise
