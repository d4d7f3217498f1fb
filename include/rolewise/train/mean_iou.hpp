// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The metric `mean_iou` of semantic segmentation.

#include <rolewise/train/detail/class_elements.hpp>
#include <rolewise/train/metric.hpp>

#include <string_view>

namespace rolewise {

/// Mean intersection over union: for each class, the number of elements (pixels) that have it as
/// label and as prediction, divided by the number that have it as one of the two; averaged over the
/// classes, in [0, 1]. The counts are those of all batches together, not of each image.
///
///     iou[c] = both[c] / (labels[c] + predictions[c] - both[c])
///     mean_iou = mean of iou[c] over the classes with labels[c] + predictions[c] > 0
///
/// A class that is neither label nor prediction anywhere is left out of the mean, as toolkits for
/// segmentation do. Elements count by their weights; predictions for ignored elements do not count.
/// A soft label counts as its largest class.
/// @par Source
/// Everingham, Van Gool, Williams, Winn, Zisserman: The Pascal Visual Object Classes (VOC)
/// Challenge, 2010, section 4.1.3.
/// @par Departs
/// VOC has no classes without elements.
struct mean_iou {
  static constexpr std::string_view name = "mean-iou";
  static constexpr bool higher_is_better = true;
  static constexpr bool has_state = false;

  /// @return `[3, C]`: the weights of the elements of each class that are label and prediction,
  ///         label, and prediction
  /// @throws std::invalid_argument as `perplexity`
  [[nodiscard]] torch::Tensor sums(const outputs& found, const targets& wanted) const
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
  [[nodiscard]] torch::Tensor value(const torch::Tensor& sums) const
  {
    const auto either = sums[1] + sums[2] - sums[0];
    const auto there = either.gt(0.0);
    return (sums[0] / either).masked_fill(there.logical_not(), 0.0).sum() / there.sum();
  }
};

static_assert(Metric<mean_iou>);

}  // namespace rolewise
