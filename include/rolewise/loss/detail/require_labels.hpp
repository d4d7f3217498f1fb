// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Argument checks of losses on labels, target classes, and means over what has a label.

#include <rolewise/core/tensor.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise::detail {

/// What the hard labels of a batch are found to contain; on devices other than the CPU unknown.
struct label_check {
  bool is_hard = false;
  bool may_ignore = false;  ///< some label is the ignore index, or that is unknown
};

/// Checks hard labels on the CPU.
/// @return whether some label is the ignore index
ROLEWISE_INLINE bool require_classes_of(const torch::Tensor& labels, std::int64_t classes,
                                        std::int64_t ignore_index, std::string_view caller);

ROLEWISE_INLINE label_check require_labels(const targets& targets, const torch::Tensor& logits,
                                           std::string_view caller);

/// The target class of each element: its hard label, or the most probable class of a soft label.
/// Ignored labels have class 0 here.
struct target_classes {
  label_check found;
  torch::Tensor index;      ///< int64, the logits' shape with size 1 at axis 1
  torch::Tensor is_target;  ///< bool, the logits' shape
};

[[nodiscard]] ROLEWISE_INLINE target_classes target_classes_of(const targets& targets,
                                                               const torch::Tensor& logits,
                                                               std::string_view caller);

/// Mean of the values of the elements whose labels count, weighted by `targets.weights`; 0 if
/// there are none.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor labeled_mean(const torch::Tensor& values,
                                                         const targets& targets,
                                                         const label_check& found,
                                                         std::string_view caller);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/require_labels.hpp>
#endif
