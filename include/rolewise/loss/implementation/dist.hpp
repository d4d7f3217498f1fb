// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/dist.hpp>.

#include <rolewise/loss/dist.hpp>

#include <rolewise/loss/detail/correlation_rows.hpp>
#include <rolewise/loss/detail/fused_loss.hpp>
#include <rolewise/loss/detail/logit_rows.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/require_weight.hpp>

#include <optional>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor dist::operator()(const paired_outputs& pair,
                                               const targets& targets) const
{
  const auto &teacher = pair.teacher.logits, &student = pair.student.logits;
  detail::require_alike(teacher, student, name);
  detail::require_two_classes(student, name);
  detail::require_weight(inter_weight, "inter_weight", name);
  detail::require_weight(intra_weight, "intra_weight", name);
  const double t = temperature.value(), scale = scale_by_t_squared ? t * t : 1.0;
  const detail::correlation_weights weights{t, inter_weight * scale, intra_weight * scale};
  const auto rows =
      targets.weights.defined() ? std::nullopt : detail::logit_rows_of(teacher, student, {}, name);
  const auto value =
      rows ? detail::value_of(c10::make_intrusive<detail::correlation_rows>(weights, *rows),
                              rows->student, rows->teacher)
           : detail::by_tensors(weights, teacher, student, targets);
  return value.to(student.scalar_type());
}

}  // namespace rolewise
