// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/hardest_view.hpp>.

#include <rolewise/agent/hardest_view.hpp>

#include <ATen/ops/cdist.h>
#include <ATen/ops/log_softmax.h>

#include <cstdint>
#include <string>
#include <tuple>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor entropy_of(const torch::Tensor& logits)
{
  const auto log_p = at::log_softmax(logits.to(torch::kDouble), 1);
  // Clamped so that 0 log 0 is 0.
  return -(log_p.exp() * log_p.clamp_min(-1e300)).sum(1);
}

ROLEWISE_INLINE torch::Tensor divergence_of(const torch::Tensor& teacher,
                                            const torch::Tensor& student, temperature of)
{
  if (!teacher.defined() || !student.defined() || teacher.sizes() != student.sizes())
    throw_invalid_argument("divergence_of", "want logits of one shape of teacher and student");
  const auto log_p = at::log_softmax(teacher.to(torch::kDouble) / of.value(), 1),
             log_q = at::log_softmax(student.to(torch::kDouble) / of.value(), 1);
  return (log_p.exp() * (log_p.clamp_min(-1e300) - log_q.clamp_min(-1e300))).sum(1);
}

ROLEWISE_INLINE torch::Tensor distance_to_closest(const torch::Tensor& logits,
                                                  const torch::Tensor& originals)
{
  const auto text = [](const torch::Tensor& t) {
    return t.defined() ? detail::classic_text(t.sizes()) : std::string{"an undefined tensor"};
  };
  if (!logits.defined() || !originals.defined() || logits.dim() != 2 || originals.dim() != 2 ||
      logits.size(1) != originals.size(1) || originals.size(0) == 0)
    throw_invalid_argument("distance_to_closest", "want logits [N, C] and [M, C] with M > 0, got ",
                           text(logits), " and ", text(originals));
  constexpr std::int64_t of_differences =
      2;  // not of products, where close ones are rounding errors
  return std::get<0>(at::cdist(logits.to(torch::kDouble).softmax(1),
                               originals.to(torch::kDouble).softmax(1), 2.0, of_differences)
                         .min(1))
      .square();
}

}  // namespace rolewise
