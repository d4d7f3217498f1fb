// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/top_k_accuracy.hpp>.

#include <rolewise/train/top_k_accuracy.hpp>

#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/class_elements.hpp>

#include <algorithm>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor top_k_accuracy::sums(const outputs& found,
                                                   const targets& wanted) const
{
  const torch::NoGradGuard without_graph;
  const auto& logits = found.logits;
  if (k < 1) throw_invalid_argument("top_k_accuracy", "want k >= 1, got ", k);
  detail::require_element_labels(name(), logits, wanted);
  const auto classes = detail::element_classes(wanted);
  const auto right = k == 1 ? logits.argmax(1).eq(classes)
                            : std::get<1>(logits.topk(std::min(k, logits.size(1)), 1))
                                  .eq(classes.unsqueeze(1))
                                  .any(1);
  if (!wanted.weights.defined() && !wanted.labels.is_floating_point()) {
    const auto counted = classes.ne(wanted.ignore_index);
    return at::stack({right.logical_and(counted).sum(), counted.sum()})
        .to(detail::sum_dtype(logits.device()));
  }
  const auto weights = detail::element_weights(name(), logits, wanted);
  return at::stack({(right.to(weights.scalar_type()) * weights).sum(), weights.sum()});
}

}  // namespace rolewise
