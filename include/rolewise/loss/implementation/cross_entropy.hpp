// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/cross_entropy.hpp>.

#include <rolewise/loss/cross_entropy.hpp>

#include <rolewise/loss/detail/require_labels.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/target_rows.hpp>
#include <rolewise/loss/detail/weighted_mean.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <limits>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor cross_entropy::operator()(const paired_outputs& pair,
                                                        const targets& targets) const
{
  return detail::cross_entropy_value(detail::hard_targets_of(*this), pair.student.logits, targets);
}

ROLEWISE_INLINE torch::Tensor cross_entropies(const torch::Tensor& logits, const targets& targets)
{
  constexpr std::string_view who = "cross_entropies";
  detail::require_logits(logits, who);
  if (logits.dim() != 2) throw_invalid_argument(who, "want logits [N, C], got ", logits.sizes());
  const auto found = detail::require_labels(targets, logits, who);
  const auto exact = detail::wide_enough(logits);
  const auto labels = found.is_hard ? targets.labels : targets.labels.to(exact.dtype());
  const auto each =
      at::cross_entropy_loss(exact, labels, {}, at::Reduction::None, targets.ignore_index);
  if (!targets.weights.defined() && !found.may_ignore) return each;
  auto weights = targets.weights.defined() ? detail::weights_for(each, targets.weights, who)
                                           : at::ones_like(each);
  if (found.is_hard) weights = weights * labels.ne(targets.ignore_index);
  const auto counted = at::where(weights == 0, at::zeros_like(each), each * weights);
  return counted / weights.mean().clamp_min(double{std::numeric_limits<float>::min()});
}

}  // namespace rolewise
