// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/multi_level_distillation.hpp>.

#include <rolewise/loss/multi_level_distillation.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/require_weight.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/support/error.hpp>

#include <utility>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor multi_level_distillation::operator()(const paired_outputs& pair,
                                                                   const targets& targets) const
{
  detail::require_alike(pair.teacher.logits, pair.student.logits, name);
  detail::require_two_classes(pair.student.logits, name);
  detail::require_weight(instance_weight, "instance_weight", name);
  detail::require_weight(batch_weight, "batch_weight", name);
  detail::require_weight(class_weight, "class_weight", name);
  if (temperatures.empty()) throw_invalid_argument(name, "want at least one temperature, got none");
  const auto teacher = detail::wide_enough(pair.teacher.logits.detach());
  const auto student = detail::wide_enough(pair.student.logits);
  const auto classes = static_cast<double>(student.size(1));

  torch::Tensor total;
  for (const auto& each : temperatures) {
    const auto rows = detail::rows_of(teacher, student, each.value(), targets, name);
    const auto weighted = [&](const torch::Tensor& p) {
      return rows.weights.defined() ? p * rows.weights.sqrt() : p;
    };
    const auto p = weighted(rows.teacher), q = weighted(rows.student);
    const auto of_batch = (p.mm(p.t()) - q.mm(q.t())).square().sum();
    const auto of_classes = (p.t().mm(p) - q.t().mm(q)).square().sum();
    const auto value =
        soft_target_kl{each}({{teacher, {}}, {student, {}}}, targets) * instance_weight +
        (rows.count.defined() ? of_batch / rows.count.clamp_min(1.0)
                              : of_batch / static_cast<double>(p.size(0))) *
            batch_weight +
        of_classes * (class_weight / classes);
    total = total.defined() ? total + value : value;
  }
  return total.to(pair.student.logits.scalar_type());
}

}  // namespace rolewise
