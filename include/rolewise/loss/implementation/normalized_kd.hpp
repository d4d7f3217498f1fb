// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/normalized_kd.hpp>.

#include <rolewise/loss/normalized_kd.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>
#include <rolewise/loss/detail/require_labels.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/require_weight.hpp>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor normalized_kd::operator()(const paired_outputs& pair,
                                                        const targets& targets) const
{
  const auto& student = pair.student.logits;
  detail::require_alike(pair.teacher.logits, student, name);
  detail::require_two_classes(student, name);
  detail::require_weight(other_weight, "other_weight", name);
  const auto teacher = pair.teacher.logits.detach();
  const auto target = detail::target_classes_of(targets, student, name);

  const auto of_target = [&](const torch::Tensor& logits) {
    return detail::log_probabilities(logits, 1.0).gather(1, target.index).squeeze(1);
  };
  const double t = temperature.value();
  const auto p = detail::log_probabilities_of_others(teacher, t, target.is_target).exp();
  const auto log_q = detail::log_probabilities_of_others(student, t, target.is_target)
                         .masked_fill(target.is_target, 0.0);
  const auto values =
      of_target(teacher).exp() * of_target(student) + (p * log_q).sum(1) * (other_weight * t * t);
  return detail::labeled_mean(-values, targets, target.found, name).to(student.scalar_type());
}

}  // namespace rolewise
