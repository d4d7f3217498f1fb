// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/soft_target_kl.hpp>.

#include <rolewise/loss/soft_target_kl.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/weighted_mean.hpp>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor soft_target_kl::operator()(const paired_outputs& pair,
                                                         const targets& targets) const
{
  const auto& teacher = pair.teacher.logits;
  const auto& student = pair.student.logits;
  detail::require_alike(teacher, student, name);

  constexpr int over_classes = 1;
  const double t = temperature.value();
  const auto log_p = detail::log_probabilities(teacher.detach(), t);
  const auto log_q = detail::log_probabilities(student, t);
  const auto terms = log_p.exp() * (log_p - log_q);
  const double scale = scale_by_t_squared ? t * t : 1.0;
  const auto classes = student.size(over_classes);
  const auto divided_by = reduction == kl_reduction::batch_mean ? std::int64_t{1} : classes;
  if (targets.weights.defined()) {
    const auto values = terms.sum(over_classes);
    return (detail::weighted_mean(values, detail::weights_for(values, targets.weights, name)) *
            (scale / static_cast<double>(divided_by)))
        .to(student.scalar_type());
  }
  const auto counted = student.numel() / classes * divided_by;
  return (terms.sum() * (scale / static_cast<double>(counted))).to(student.scalar_type());
}

}  // namespace rolewise
