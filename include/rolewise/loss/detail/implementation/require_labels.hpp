// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/require_labels.hpp>.

#include <rolewise/loss/detail/require_labels.hpp>

#include <rolewise/loss/detail/weighted_mean.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE bool require_classes_of(const torch::Tensor& labels, std::int64_t classes,
                                        std::int64_t ignore_index, std::string_view caller)
{
  const auto dense = labels.contiguous();
  const auto* const label = dense.const_data_ptr<std::int64_t>();
  const auto each = dense.numel() / dense.size(0);
  bool ignores = false;
  for (std::int64_t i = 0; i < dense.numel(); ++i) {
    if (label[i] == ignore_index)
      ignores = true;
    else if (label[i] < 0 || label[i] >= classes)
      throw_invalid_argument(caller, "want labels in 0 .. ", classes - 1, ", got ", label[i],
                             " for example ", i / each, " of the batch");
  }
  return ignores;
}

ROLEWISE_INLINE label_check require_labels(const targets& targets, const torch::Tensor& logits,
                                           std::string_view caller)
{
  const auto& labels = targets.labels;
  if (!labels.defined()) throw_invalid_argument(caller, "labels are undefined");
  auto elements = logits.sizes().vec();
  elements.erase(elements.begin() + 1);
  const bool hard = labels.scalar_type() == torch::kLong && labels.sizes() == elements;
  const bool soft = labels.is_floating_point() && labels.sizes() == logits.sizes();
  if (!hard && !soft)
    throw_invalid_argument(caller, "want labels ", at::IntArrayRef{elements}, " of Long or ",
                           logits.sizes(), " of floating point, got ", labels.sizes(), " of ",
                           labels.scalar_type());
  if (labels.device() != logits.device())
    throw_invalid_argument(caller, "device of labels ", labels.device(), ", of student ",
                           logits.device());
  if (!hard || !labels.is_cpu()) return {hard, hard};
  return {true, require_classes_of(labels, logits.size(1), targets.ignore_index, caller)};
}

ROLEWISE_INLINE target_classes target_classes_of(const targets& targets,
                                                 const torch::Tensor& logits,
                                                 std::string_view caller)
{
  const auto found = require_labels(targets, logits, caller);
  auto index = found.is_hard ? targets.labels : targets.labels.argmax(1);
  if (found.may_ignore) index = index.masked_fill(index.eq(targets.ignore_index), 0);
  index = index.unsqueeze(1);
  const auto none = at::zeros_like(logits, logits.options().dtype(torch::kBool));
  return {found, index, none.scatter(1, index, true)};
}

ROLEWISE_INLINE torch::Tensor labeled_mean(const torch::Tensor& values, const targets& targets,
                                           const label_check& found, std::string_view caller)
{
  const bool has_weights = targets.weights.defined();
  if (!has_weights && !found.may_ignore) return values.mean();
  auto weights = has_weights ? weights_for(values, targets.weights, caller)
                             : at::ones({}, values.options()).expand(values.sizes());
  if (found.is_hard) weights = weights * targets.labels.ne(targets.ignore_index);
  return weighted_mean(values, weights);
}

}  // namespace rolewise::detail
