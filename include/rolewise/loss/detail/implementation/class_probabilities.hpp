// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/class_probabilities.hpp>.

#include <rolewise/loss/detail/class_probabilities.hpp>

#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/weighted_mean.hpp>

#include <ATen/ops/log_softmax.h>

#include <limits>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor log_probabilities(const torch::Tensor& logits, double t)
{
  const auto exact = wide_enough(logits);
  return at::log_softmax(t == 1.0 ? exact : exact / t, 1);
}

ROLEWISE_INLINE torch::Tensor log_probabilities_of_others(const torch::Tensor& logits, double t,
                                                          const torch::Tensor& is_target)
{
  constexpr double never = -std::numeric_limits<double>::infinity();
  return log_probabilities(wide_enough(logits).masked_fill(is_target, never), t);
}

ROLEWISE_INLINE element_rows rows_of(const torch::Tensor& teacher, const torch::Tensor& student,
                                     double t, const targets& targets, std::string_view caller)
{
  element_rows found;
  if (targets.weights.defined()) {
    const auto one_class = wide_enough(student.detach()).select(1, 0);
    const auto given = weights_for(one_class, targets.weights, caller).reshape({-1, 1});
    found.count = given.ne(0).sum().to(given.scalar_type());
    const auto sum = given.sum().clamp_min(double{std::numeric_limits<float>::min()});
    found.weights = given * (found.count / sum);
  }
  const auto probabilities = [&](const torch::Tensor& logits) {
    auto rows = wide_enough(logits).movedim(1, -1).reshape({-1, logits.size(1)});
    if (found.weights.defined()) rows = rows.masked_fill(found.weights.eq(0), 0.0);
    return log_probabilities(rows, t).exp();
  };
  found.teacher = probabilities(teacher.detach());
  found.student = probabilities(student);
  return found;
}

}  // namespace rolewise::detail
