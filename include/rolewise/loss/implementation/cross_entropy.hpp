// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/cross_entropy.hpp>.

#include <rolewise/loss/cross_entropy.hpp>

#include <rolewise/loss/detail/require_labels.hpp>
#include <rolewise/loss/detail/require_logits.hpp>

#include <ATen/ops/cross_entropy_loss.h>

#include <cstdint>
#include <optional>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor cross_entropy::operator()(const paired_outputs& pair,
                                                        const targets& targets) const
{
  const auto& logits = pair.student.logits;
  detail::require_logits(logits, name);
  const auto found = detail::require_labels(targets, logits, name);
  const auto exact = detail::wide_enough(logits);
  const auto labels = found.is_hard ? targets.labels : targets.labels.to(exact.dtype());
  const auto reduced = [&](std::int64_t reduction) {
    return at::cross_entropy_loss(exact, labels, std::nullopt, reduction, targets.ignore_index,
                                  smoothing.value());
  };
  if (!targets.weights.defined() && !found.may_ignore)
    return reduced(at::Reduction::Mean).to(logits.scalar_type());

  return detail::labeled_mean(reduced(at::Reduction::None), targets, found, name)
      .to(logits.scalar_type());
}

}  // namespace rolewise
