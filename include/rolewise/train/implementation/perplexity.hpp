// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/perplexity.hpp>.

#include <rolewise/train/perplexity.hpp>

#include <rolewise/train/detail/class_elements.hpp>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor perplexity::sums(const outputs& found, const targets& wanted) const
{
  const torch::NoGradGuard without_graph;
  detail::require_class_targets(name, found.logits, wanted);
  const auto weights = detail::element_weights(name, found.logits, wanted);
  const auto classes = detail::element_classes(wanted).masked_fill(weights.eq(0.0), 0);
  const auto likelihood =
      detail::element_log_likelihood(detail::at_least_float(found.logits), wanted.labels, classes);
  return at::stack({detail::weighted_total(likelihood, weights).neg(), weights.sum()});
}

}  // namespace rolewise
