// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/evaluation_sums.hpp>.

#include <rolewise/train/detail/evaluation_sums.hpp>

#include <rolewise/support/error.hpp>

#include <tuple>

namespace rolewise::detail {

ROLEWISE_INLINE void evaluation_sums::add(const torch::Tensor& logits, const targets& wanted)
{
  require_weights_throughout(wanted);
  const auto& labels = wanted.labels;
  const bool soft = labels.is_floating_point();
  const auto weights = is_weighted_ ? element_weights("evaluate", logits, wanted) : torch::Tensor{};
  auto classes = element_classes(wanted);
  const auto counted = is_weighted_ ? weights.gt(0.0)
                       : soft       ? at::ones_like(classes, torch::kBool)
                                    : classes.ne(wanted.ignore_index);
  const auto skipped = counted.logical_not();
  classes = classes.masked_fill(skipped, 0);
  const auto predicted = logits.argmax(1);
  confusion_.scatter_add_(0, (classes * classes_ + predicted).flatten(),
                          counted.to(torch::kLong).flatten());
  const auto near = std::get<1>(logits.topk(std::min<std::int64_t>(5, classes_), 1))
                        .eq(classes.unsqueeze(1))
                        .any(1)
                        .logical_and(counted);
  near_.add_(near.sum());
  const auto precise = logits.dim() == 2 ? logits.to(loss_.scalar_type()) : at_least_float(logits);
  const auto likelihood = element_log_likelihood(precise, labels, classes)
                              .to(loss_.scalar_type())
                              .masked_fill(skipped, 0.0);
  loss_.sub_((is_weighted_ ? likelihood * weights : likelihood).sum());
  if (is_weighted_)
    weighted_.add_(at::stack(
        {(predicted.eq(classes) * weights).sum(), (near * weights).sum(), weights.sum()}));
}

ROLEWISE_INLINE evaluation_sums::result evaluation_sums::read() const
{
  const auto confusion = confusion_.view({classes_, classes_}).cpu();
  const auto count = confusion.sum().item<std::int64_t>();
  auto all = static_cast<double>(count);
  auto right = static_cast<double>(confusion.trace().item<std::int64_t>());
  auto near = static_cast<double>(near_.item<std::int64_t>());
  if (is_weighted_) {
    const auto read = weighted_.cpu();
    right = read[0].item<double>();
    near = read[1].item<double>();
    all = read[2].item<double>();
  }
  return {right / all, near / all, loss_.item<double>() / all, confusion, count};
}

ROLEWISE_INLINE void evaluation_sums::require_weights_throughout(const targets& wanted)
{
  if (!is_begun_) is_weighted_ = wanted.weights.defined();
  is_begun_ = true;
  if (wanted.weights.defined() != is_weighted_)
    throw_invalid_argument("evaluate", "want weights or a mask in all batches or in none");
}

}  // namespace rolewise::detail
