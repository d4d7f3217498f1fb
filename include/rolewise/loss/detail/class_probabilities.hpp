// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Class probabilities of logits softened by a temperature, in the logarithm.

#include <rolewise/core/tensor.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise::detail {

/// log softmax(logits / t) over the classes, in at least single precision.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor log_probabilities(const torch::Tensor& logits,
                                                              double t);

/// The same among the classes other than the target: minus infinity at the target, whose logit
/// is not read.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor log_probabilities_of_others(
    const torch::Tensor& logits, double t, const torch::Tensor& is_target);

/// The elements of a batch (examples, or their pixels or tokens) as M rows, for losses that
/// relate elements.
struct element_rows {
  torch::Tensor teacher, student;  ///< softmax(logits / t), `[M, C]`; the teacher's detached
  /// `[M, 1]`, the mean of those above 0 is 1; undefined without weights. A row of weight 0 holds
  /// no values of the logits.
  torch::Tensor weights;
  torch::Tensor count;  ///< `[]`, rows with a weight above 0; undefined without weights
};

/// @pre `require_alike`
[[nodiscard]] ROLEWISE_INLINE element_rows rows_of(const torch::Tensor& teacher,
                                                   const torch::Tensor& student, double t,
                                                   const targets& targets, std::string_view caller);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/class_probabilities.hpp>
#endif
