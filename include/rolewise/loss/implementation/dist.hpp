// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/dist.hpp>.

#include <rolewise/loss/dist.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>
#include <rolewise/loss/detail/correlation_rows.hpp>
#include <rolewise/loss/detail/fused_loss.hpp>
#include <rolewise/loss/detail/logit_rows.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/require_weight.hpp>

#include <ATen/ops/linalg_vector_norm.h>

#include <cstdint>
#include <optional>

namespace rolewise {

namespace detail {

/// The reference, in plain tensor operations.
ROLEWISE_INLINE torch::Tensor by_tensors(const correlation_weights& loss,
                                         const torch::Tensor& teacher, const torch::Tensor& student,
                                         const targets& targets)
{
  const auto rows = rows_of(teacher, student, loss.temperature, targets, "dist");
  const auto& weights = rows.weights;
  const auto weighted = [&](const torch::Tensor& p, std::int64_t along) {
    return along == 0 && weights.defined() ? p * weights.sqrt() : p;
  };
  const auto centered = [&](const torch::Tensor& p, std::int64_t along) {
    if (along == 1 || !weights.defined()) return p - p.mean(along, true);
    return weighted(p - (p * weights).sum(0, true) / rows.count.clamp_min(1.0), along);
  };
  const auto correlation = [&](std::int64_t along) {
    const auto length = [&](const torch::Tensor& of) {
      return at::linalg_vector_norm(of, 2, along);
    };
    const auto a = centered(rows.student, along), b = centered(rows.teacher, along);
    const auto found = (a * b).sum(along) / (length(a) * length(b) + correlation_weights::least);
    const auto flat =
        length(a.detach())
            .le(length(weighted(rows.student.detach(), along)) * correlation_weights::rounding);
    return found.masked_fill(flat, 0.0);
  };
  const auto of_examples = correlation(1), of_classes = correlation(0);
  auto inter = 1.0 - of_examples, intra = 1.0 - of_classes.mean();
  if (weights.defined()) {
    inter = (inter * weights.squeeze(1)).sum() / rows.count.clamp_min(1.0);
    intra = intra * rows.count.clamp_max(1.0);
  } else {
    inter = inter.mean();
  }
  return inter * loss.inter + intra * loss.intra;
}

}  // namespace detail

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
