// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Elements of a batch for metrics: one for each example, pixel or token, with label and weight.

#include <rolewise/core/tensor.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/log_softmax.h>
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
inline void require_class_logits(std::string_view who, const torch::Tensor& logits)
{
  if (!logits.defined() || logits.dim() < 2 || logits.numel() == 0 || !logits.is_floating_point())
    throw_invalid_argument(who, "want logits [N, C, ...] of floating point, none of these 0, got ",
                           words_of(logits));
}

/// @throws std::invalid_argument unless there is a hard or a soft label for each element
inline void require_element_labels(std::string_view who, const torch::Tensor& logits,
                                   const targets& wanted)
{
  require_class_logits(who, logits);
  const auto& labels = wanted.labels;
  const auto sizes = element_sizes(logits);
  const bool hard = labels.defined() && labels.scalar_type() == torch::kLong &&
                    labels.sizes() == at::IntArrayRef{sizes};
  const bool soft =
      labels.defined() && labels.is_floating_point() && labels.sizes() == logits.sizes();
  if (!hard && !soft)
    throw_invalid_argument(who, "want labels ", at::IntArrayRef{sizes}, " of Long or ",
                           logits.sizes(), " of floating point, got ", words_of(labels));
}

/// @throws std::invalid_argument as `require_element_labels`; on the CPU, also for a hard label
/// that
///         is neither a class nor ignored
inline void require_class_targets(std::string_view who, const torch::Tensor& logits,
                                  const targets& wanted)
{
  require_element_labels(who, logits, wanted);
  const auto& labels = wanted.labels;
  if (labels.is_floating_point() || !labels.is_cpu()) return;
  const auto is_class = [&](const torch::Tensor& t) {
    const auto [least, most] = t.aminmax();
    return least.item<std::int64_t>() >= 0 && most.item<std::int64_t>() < logits.size(1);
  };
  if (is_class(labels)) return;
  const auto others = labels.masked_select(labels.lt(0)
                                               .logical_or(labels.ge(logits.size(1)))
                                               .logical_and(labels.ne(wanted.ignore_index)));
  if (others.numel() > 0)
    throw_invalid_argument(who, "want labels in 0 .. ", logits.size(1) - 1, " or ",
                           wanted.ignore_index, " (ignored), got ", others[0].item<std::int64_t>());
}

/// Class of each element, int64: the hard label, or the largest class of the soft one.
[[nodiscard]] inline torch::Tensor element_classes(const targets& wanted)
{
  return wanted.labels.is_floating_point() ? wanted.labels.argmax(1) : wanted.labels;
}

/// Weight of each element of logits `[N, C, ...]`, in `sum_dtype`: 1 without weights, 0 where the
/// hard label is ignored.
/// @throws std::invalid_argument unless weights are undefined, `[N]`, or one for each element
[[nodiscard]] inline torch::Tensor element_weights(std::string_view who,
                                                   const torch::Tensor& logits,
                                                   const targets& wanted)
{
  const auto dtype = sum_dtype(logits.device());
  const auto sizes = element_sizes(logits);
  const auto counted =
      wanted.labels.is_floating_point() ? torch::Tensor{} : wanted.labels.ne(wanted.ignore_index);
  if (!wanted.weights.defined())
    return counted.defined() ? counted.to(dtype)
                             : at::ones(sizes, logits.options().dtype(dtype).requires_grad(false));
  const bool one_each = wanted.weights.sizes() == at::IntArrayRef{sizes};
  if (!one_each && (wanted.weights.dim() != 1 || wanted.weights.size(0) != logits.size(0)))
    throw_invalid_argument(who, "want weights [", logits.size(0), "] or ", at::IntArrayRef{sizes},
                           ", got ", words_of(wanted.weights));
  auto weights = wanted.weights.detach().to(dtype);
  if (!one_each) {
    std::vector<std::int64_t> column(sizes.size(), 1);
    column[0] = -1;
    weights = weights.view(column).expand(sizes);
  }
  return counted.defined() ? weights.masked_fill(counted.logical_not(), 0.0) : weights;
}

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
[[nodiscard]] inline torch::Tensor element_log_likelihood(const torch::Tensor& logits,
                                                          const torch::Tensor& labels,
                                                          const torch::Tensor& classes)
{
  const auto log_probabilities = at::log_softmax(logits, 1);
  if (!labels.is_floating_point())
    return log_probabilities.gather(1, classes.unsqueeze(1)).squeeze(1);
  const auto soft = labels.to(logits.scalar_type());
  return (soft * log_probabilities).masked_fill(soft.eq(0.0), 0.0).sum(1);
}

}  // namespace rolewise::detail
