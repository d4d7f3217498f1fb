// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Elements of a batch for metrics: one for each example, pixel or token, with label and weight.

#include <rolewise/core/tensor.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::detail {

/// Dtype of sums: float64 where the device has it.
[[nodiscard]] inline torch::ScalarType sum_dtype(torch::Device device)
{
  return device.is_mps() ? torch::kFloat : torch::kDouble;
}

/// Sizes of the elements of logits `[N, C, ...]`: `[N, ...]`.
[[nodiscard]] inline std::vector<std::int64_t> element_sizes(const torch::Tensor& logits)
{
  auto sizes = logits.sizes().vec();
  sizes.erase(sizes.begin() + 1);
  return sizes;
}

[[nodiscard]] inline std::string words_of(const torch::Tensor& t)
{
  return t.defined() ? classic_text(t.sizes(), " of ", t.scalar_type()) : "an undefined tensor";
}

/// @throws std::invalid_argument unless logits are `[N, C, ...]`, floating point and not empty
ROLEWISE_INLINE void require_class_logits(std::string_view who, const torch::Tensor& logits);

/// @throws std::invalid_argument unless there is a hard or a soft label for each element
ROLEWISE_INLINE void require_element_labels(std::string_view who, const torch::Tensor& logits,
                                            const targets& wanted);

/// @throws std::invalid_argument as `require_element_labels`; on the CPU, also for a hard label
///         that is neither a class nor ignored
ROLEWISE_INLINE void require_class_targets(std::string_view who, const torch::Tensor& logits,
                                           const targets& wanted);

/// Class of each element, int64: the hard label, or the largest class of the soft one.
[[nodiscard]] inline torch::Tensor element_classes(const targets& wanted)
{
  return wanted.labels.is_floating_point() ? wanted.labels.argmax(1) : wanted.labels;
}

/// Weight of each element of logits `[N, C, ...]`, in `sum_dtype`: 1 without weights, 0 where the
/// hard label is ignored.
/// @throws std::invalid_argument unless weights are undefined, `[N]`, or one for each element
[[nodiscard]] ROLEWISE_INLINE torch::Tensor element_weights(std::string_view who,
                                                            const torch::Tensor& logits,
                                                            const targets& wanted);

/// Sum of the values of the elements times their weights, `[]`; a value of weight 0 may be
/// infinite or NaN.
[[nodiscard]] inline torch::Tensor weighted_total(const torch::Tensor& values,
                                                  const torch::Tensor& weights)
{
  return (values.to(weights.scalar_type()) * weights).masked_fill(weights.eq(0.0), 0.0).sum();
}

/// At least single precision: sums over classes would overflow in 16 bits.
[[nodiscard]] inline torch::Tensor at_least_float(const torch::Tensor& logits)
{
  return c10::isReducedFloatingType(logits.scalar_type()) ? logits.to(torch::kFloat) : logits;
}

/// Log-likelihood of the label of each element, nats, in the dtype of the logits. A class to which
/// a soft label gives 0 adds nothing, whatever its logit.
/// @param classes see `element_classes`; where ignored, any value in 0 .. C - 1
[[nodiscard]] ROLEWISE_INLINE torch::Tensor element_log_likelihood(const torch::Tensor& logits,
                                                                   const torch::Tensor& labels,
                                                                   const torch::Tensor& classes);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/class_elements.hpp>
#endif
