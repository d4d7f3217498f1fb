// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Features as one row an example, and weights of examples, for losses on features.

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise::detail {

/// The features of teacher and student for N examples, and the weights of the examples.
struct feature_rows {
  /// `[N, D]` of teacher (detached) and student, D of each its own, in at least single precision.
  /// The row of an example of weight 0 is 0.
  torch::Tensor teacher, student;
  /// `[N]`, the mean of those above 0 is 1; undefined without weights.
  torch::Tensor weights;
  torch::Tensor count;  ///< `[]`, examples with a weight above 0; undefined without weights
};

/// Weights of examples, `[N]`: those of pixels or tokens as their mean over each example.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor weights_of_examples(const torch::Tensor& weights);

/// @param where the place of the features in messages: a tap's name, or "the logits"
/// @throws std::invalid_argument unless both are `[N, ...]`, floating point, alike in N, dtype and
///         device
ROLEWISE_INLINE void require_features(const torch::Tensor& teacher, const torch::Tensor& student,
                                      std::string_view caller, std::string_view where);

/// @param where as in `require_features`
/// @throws std::invalid_argument unless both are `[N, ...]` with N > 1, floating point, alike in N,
///         dtype and device; for weights that do not fit
[[nodiscard]] ROLEWISE_INLINE feature_rows feature_rows_of(const torch::Tensor& teacher,
                                                           const torch::Tensor& student,
                                                           const targets& targets,
                                                           std::string_view caller,
                                                           std::string_view where);

/// For losses that draw by example.
/// @throws std::invalid_argument unless the ids are `[n]`, int64
ROLEWISE_INLINE void require_ids(const targets& targets, std::int64_t n, std::string_view caller);

/// Mean of `values`, `[N, N]`, over pairs of examples.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor mean_of_pairs(const torch::Tensor& values,
                                                          const feature_rows& rows);

/// Mean of `values`, `[N]`, over examples, weighted by `targets.weights` if there are any.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor mean_of_examples(const torch::Tensor& values,
                                                             const targets& targets,
                                                             std::string_view caller);

/// x / |x| along an axis; 0 without a gradient where x is 0.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor directions(const torch::Tensor& x,
                                                       std::int64_t axis = -1);

/// The sum of `value(tap, teacher's features, student's features)` over taps, in the dtype of the
/// student's first.
template<tap_id First, tap_id... Others, typename Value>
[[nodiscard]] torch::Tensor sum_over_taps(const paired_outputs& pair, const Value& value)
{
  auto total = value(First, pair.teacher.features[First], pair.student.features[First]);
  ((total = total + value(Others, pair.teacher.features[Others], pair.student.features[Others])),
   ...);
  return total.to(pair.student.features[First].scalar_type());
}

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/feature_rows.hpp>
#endif
