// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The metric `mean_iou` of semantic segmentation.

#include <rolewise/support/inline.hpp>
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
  [[nodiscard]] torch::Tensor sums(const outputs& found, const targets& wanted) const;
  [[nodiscard]] torch::Tensor value(const torch::Tensor& sums) const;
};

static_assert(Metric<mean_iou>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/mean_iou.hpp>
#endif
