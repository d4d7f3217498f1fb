// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/logit_mse.hpp>.

#include <rolewise/loss/logit_mse.hpp>

#include <rolewise/loss/detail/require_labels.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/weighted_mean.hpp>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor logit_mse::operator()(const paired_outputs& pair,
                                                    const targets& targets) const
{
  const auto& student = pair.student.logits;
  detail::require_alike(pair.teacher.logits, student, name);
  const auto apart =
      detail::wide_enough(student) - detail::wide_enough(pair.teacher.logits.detach());
  return detail::element_mean(apart.square().mean(1), targets, name).to(student.scalar_type());
}

ROLEWISE_INLINE torch::Tensor label_mse::operator()(const paired_outputs& pair,
                                                    const targets& targets) const
{
  const auto& student = pair.student.logits;
  detail::require_logits(student, name);
  const auto z = detail::wide_enough(student);
  const auto target = detail::target_classes_of(targets, student, name);
  const auto wanted =
      (target.found.is_hard ? target.is_target : targets.labels).to(z.scalar_type());
  const auto values = (z - wanted).square().mean(1);
  return detail::labeled_mean(values, targets, target.found, name).to(student.scalar_type());
}

}  // namespace rolewise
