// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/mean_iou.hpp>.

#include <rolewise/train/mean_iou.hpp>

#include <rolewise/train/detail/class_elements.hpp>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor mean_iou::sums(const outputs& found, const targets& wanted) const
{
  const torch::NoGradGuard without_graph;
  const auto& logits = found.logits;
  detail::require_class_targets(name, logits, wanted);
  const auto weights = detail::element_weights(name, logits, wanted);
  const auto labels = detail::element_classes(wanted).masked_fill(weights.eq(0.0), 0);
  const auto predictions = logits.argmax(1);
  const auto counts = at::zeros({3, logits.size(1)}, weights.options());
  const auto add = [&](int row, const torch::Tensor& classes, const torch::Tensor& amounts) {
    counts[row].scatter_add_(0, classes.flatten(), amounts.flatten());
  };
  add(0, labels, weights.masked_fill(labels.ne(predictions), 0.0));
  add(1, labels, weights);
  add(2, predictions, weights);
  return counts;
}

ROLEWISE_INLINE torch::Tensor mean_iou::value(const torch::Tensor& sums) const
{
  const auto either = sums[1] + sums[2] - sums[0];
  const auto there = either.gt(0.0);
  return (sums[0] / either).masked_fill(there.logical_not(), 0.0).sum() / there.sum();
}

}  // namespace rolewise
