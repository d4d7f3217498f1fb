// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/decoupled_kd.hpp>.

#include <rolewise/loss/decoupled_kd.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>
#include <rolewise/loss/detail/require_labels.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/require_weight.hpp>
#include <rolewise/loss/detail/warm_up.hpp>

#include <ATen/ops/logsumexp.h>

#include <limits>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor decoupled_kd::operator()(const paired_outputs& pair,
                                                       const targets& targets) const
{
  const auto& student = pair.student.logits;
  detail::require_alike(pair.teacher.logits, student, name);
  detail::require_two_classes(student, name);
  detail::require_weight(target_weight, "target_weight", name);
  detail::require_weight(other_weight, "other_weight", name);
  const auto teacher = pair.teacher.logits.detach();
  const auto target = detail::target_classes_of(targets, student, name);
  const double t = temperature.value();

  const auto target_and_rest = [&](const torch::Tensor& logits) {
    constexpr double never = -std::numeric_limits<double>::infinity();
    const auto all = detail::log_probabilities(logits, t);
    return at::cat({all.gather(1, target.index),
                    at::logsumexp(all.masked_fill(target.is_target, never), 1, true)},
                   1);
  };
  const auto log_b = target_and_rest(teacher);
  const auto of_target = (log_b.exp() * (log_b - target_and_rest(student))).sum(1);

  const auto log_p = detail::log_probabilities_of_others(teacher, t, target.is_target);
  const auto log_q = detail::log_probabilities_of_others(student, t, target.is_target);
  const auto ratio = (log_p - log_q).masked_fill(target.is_target, 0.0);
  const auto of_others = (log_p.exp() * ratio).sum(1);

  const double ramp = detail::warm_up(targets.progress, warm_up_epochs);
  const auto values = of_target * target_weight + of_others * other_weight;
  return (detail::labeled_mean(values, targets, target.found, name) * (t * t * ramp))
      .to(student.scalar_type());
}

}  // namespace rolewise
