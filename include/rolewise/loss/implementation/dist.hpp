// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/dist.hpp>.

#include <rolewise/loss/dist.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/require_weight.hpp>

#include <ATen/ops/linalg_vector_norm.h>

#include <cstdint>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor dist::operator()(const paired_outputs& pair,
                                               const targets& targets) const
{
  const auto& student = pair.student.logits;
  detail::require_alike(pair.teacher.logits, student, name);
  detail::require_two_classes(student, name);
  detail::require_weight(inter_weight, "inter_weight", name);
  detail::require_weight(intra_weight, "intra_weight", name);
  const double t = temperature.value();
  const auto rows = detail::rows_of(pair.teacher.logits, student, t, targets, name);
  const auto& weights = rows.weights;

  const auto weighted = [&](const torch::Tensor& p, std::int64_t along) {
    return along == 0 && weights.defined() ? p * weights.sqrt() : p;
  };
  const auto centered = [&](const torch::Tensor& p, std::int64_t along) {
    if (along == 1 || !weights.defined()) return p - p.mean(along, true);
    return weighted(p - (p * weights).sum(0, true) / rows.count.clamp_min(1.0), along);
  };
  const auto correlation = [&](std::int64_t along) {
    constexpr double as_published = 1e-8, rounding = 4e-7;
    const auto length = [&](const torch::Tensor& of) {
      return at::linalg_vector_norm(of, 2, along);
    };
    const auto a = centered(rows.student, along), b = centered(rows.teacher, along);
    const auto found = (a * b).sum(along) / (length(a) * length(b) + as_published);
    const auto flat =
        length(a.detach()).le(length(weighted(rows.student.detach(), along)) * rounding);
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
  const double scale = scale_by_t_squared ? t * t : 1.0;
  return (inter * (inter_weight * scale) + intra * (intra_weight * scale))
      .to(student.scalar_type());
}

}  // namespace rolewise
