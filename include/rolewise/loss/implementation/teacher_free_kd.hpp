// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/teacher_free_kd.hpp>.

#include <rolewise/loss/teacher_free_kd.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>
#include <rolewise/loss/detail/require_labels.hpp>
#include <rolewise/loss/detail/require_logits.hpp>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor teacher_free_kd::operator()(const paired_outputs& pair,
                                                          const targets& targets) const
{
  const auto& logits = pair.student.logits;
  detail::require_logits(logits, name);
  detail::require_two_classes(logits, name);
  const auto target = detail::target_classes_of(targets, logits, name);
  const auto log_q = detail::log_probabilities(logits, 1.0);

  const auto classes = static_cast<double>(logits.size(1));
  const double right = correct_probability.value(), wrong = (1.0 - right) / (classes - 1.0);
  const auto labels = (target.found.is_hard ? target.is_target : targets.labels).to(log_q.dtype());
  const auto log_t =
      detail::log_probabilities(labels * (right - wrong) + wrong, temperature.value());
  const auto values = (log_t.exp() * (log_t - log_q)).sum(1);
  const double divided_by = reduction == kl_reduction::batch_mean ? 1.0 : classes;
  return (detail::labeled_mean(values, targets, target.found, name) / divided_by)
      .to(logits.scalar_type());
}

}  // namespace rolewise
