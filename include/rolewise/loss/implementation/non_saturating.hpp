// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/non_saturating.hpp>.

#include <rolewise/loss/non_saturating.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>
#include <rolewise/loss/detail/require_labels.hpp>
#include <rolewise/loss/detail/require_logits.hpp>

#include <limits>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor non_saturating::operator()(const paired_outputs& pair,
                                                         const targets& targets) const
{
  const auto& logits = pair.student.logits;
  detail::require_logits(logits, name);
  detail::require_two_classes(logits, name);
  const auto target = detail::target_classes_of(targets, logits, name);
  const auto log_q = detail::log_probabilities(logits, 1.0);

  // Only the most probable class may have a q so near to 1 that 1 - q is 0 by rounding.
  const auto is_first =
      at::zeros_like(log_q, torch::kBool).scatter(1, log_q.detach().argmax(1, true), true);
  const auto z = logits.to(log_q.scalar_type());
  const auto of_others =
      z.masked_fill(is_first, -std::numeric_limits<double>::infinity()).logsumexp(1, true) -
      z.logsumexp(1, true);
  const auto log_of_rest =
      at::where(is_first, of_others, (-log_q.exp().masked_fill(is_first, 0.0)).log1p());

  const double e = smoothing.value(), classes = static_cast<double>(logits.size(1));
  auto y = (target.found.is_hard ? target.is_target : targets.labels).to(log_q.dtype());
  if (e > 0.0) y = y * (1.0 - e) + e / classes;
  return detail::labeled_mean(-(y * log_of_rest).sum(1), targets, target.found, name)
      .to(logits.scalar_type());
}

}  // namespace rolewise
