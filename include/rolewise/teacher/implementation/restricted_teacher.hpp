// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/teacher/restricted_teacher.hpp>.

#include <rolewise/teacher/restricted_teacher.hpp>

#include <rolewise/support/error.hpp>
#include <rolewise/teacher/detail/teacher_members.hpp>

#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>
#include <tuple>

namespace rolewise {

namespace detail {

ROLEWISE_INLINE labeled_rows labeled_rows_of(const torch::Tensor& logits, const batch& examples,
                                             double t)
{
  const auto& labels = examples.labels;
  if (!logits.defined() || logits.dim() != 2 || !labels.defined() ||
      labels.scalar_type() != torch::kLong || labels.dim() != 1 || labels.size(0) != logits.size(0))
    throw_invalid_argument("restricted", "want logits [N, K] and labels [N] of int64, got ",
                           form_of(logits), " and ", form_of(labels));
  const auto on_device = labels.to(logits.device());
  const auto ignored = on_device == examples.ignore_index;
  return {at::log_softmax(in_single_or_double(logits) / t, 1), on_device.masked_fill(ignored, 0),
          ignored};
}

/// True at the label of each row, `[N, K]`.
ROLEWISE_INLINE torch::Tensor at_labels(const torch::Tensor& log_p, const torch::Tensor& labels)
{
  return at::zeros(log_p.sizes(), log_p.options().dtype(torch::kBool))
      .scatter_(1, labels.unsqueeze(1), true);
}

/// log(sum of the probabilities that `left_out` does not name), `[N, 1]`: from the logarithms, as 1
/// minus the others would be 0 for a sure teacher.
ROLEWISE_INLINE torch::Tensor log_of_rest(const torch::Tensor& log_p, const torch::Tensor& left_out)
{
  constexpr double none = -std::numeric_limits<double>::infinity();
  return log_p.masked_fill(left_out, none).logsumexp(1, true);
}

ROLEWISE_INLINE void require_part(std::string_view who, std::int64_t classes,
                                  double label_probability)
{
  if (classes < 2) throw_invalid_argument(who, "want 2 classes or more, got ", classes);
  if (!(label_probability > 0.0 && label_probability < 1.0))
    throw_invalid_argument(who, "want a label_probability in (0, 1), got ", label_probability);
}

}  // namespace detail

ROLEWISE_INLINE torch::Tensor universe_knowledge::operator()(const torch::Tensor& log_p,
                                                             const torch::Tensor& labels) const
{
  const auto classes = log_p.size(1);
  detail::require_part("universe_knowledge", classes, label_probability);
  const auto rest = (1.0 - label_probability) / static_cast<double>(classes - 1);
  return at::full(log_p.sizes(), std::log(rest), log_p.options())
      .masked_fill(detail::at_labels(log_p, labels), std::log(label_probability));
}

ROLEWISE_INLINE torch::Tensor domain_knowledge::operator()(const torch::Tensor& log_p,
                                                           const torch::Tensor& labels) const
{
  const auto classes = log_p.size(1);
  detail::require_part("domain_knowledge", classes, label_probability);
  if (!similarity.defined() || !similarity.is_floating_point() || similarity.dim() != 2 ||
      similarity.size(0) != classes || similarity.size(1) != classes)
    throw_invalid_argument("domain_knowledge", "want a floating-point similarity [", classes, ", ",
                           classes, "], got ", detail::form_of(similarity));
  const auto own = at::eye(classes, similarity.options().dtype(torch::kBool));
  const auto others = similarity.detach().to(torch::kDouble).masked_fill(own, 0.0);
  const auto sums = others.sum(1, true);
  if (!others.isfinite().all().item<bool>() || (others < 0.0).any().item<bool>() ||
      (sums <= 0.0).any().item<bool>())
    throw_invalid_argument("domain_knowledge",
                           "want similarities of at least 0, in each row one above 0 besides the "
                           "diagonal");
  // A class that is never confused still gets a probability that has a logarithm.
  constexpr double least = 1e-30;
  const auto shares = (others / sums * (1.0 - label_probability)).clamp_min(least).log();
  const auto table = shares.masked_fill(own, std::log(label_probability)).to(log_p.options());
  return table.index_select(0, labels);
}

ROLEWISE_INLINE void domain_knowledge::add_to(checksum& sum) const
{
  sum.add(std::bit_cast<std::uint64_t>(label_probability));
  if (similarity.defined()) sum.add(similarity);
}

ROLEWISE_INLINE torch::Tensor instance_knowledge::operator()(const torch::Tensor& log_p,
                                                             const torch::Tensor& labels) const
{
  const auto classes = log_p.size(1);
  if (classes < 2)
    throw_invalid_argument("instance_knowledge", "want 2 classes or more, got ", classes);
  const auto of_label = detail::at_labels(log_p, labels);
  const auto each =
      detail::log_of_rest(log_p, of_label) - std::log(static_cast<double>(classes - 1));
  return at::where(of_label, log_p, each);
}

ROLEWISE_INLINE torch::Tensor largest_probabilities::operator()(const torch::Tensor& log_p,
                                                                const torch::Tensor&) const
{
  const auto classes = log_p.size(1);
  if (count < 1 || count >= classes)
    throw_invalid_argument("largest_probabilities", "want a count in 1 .. ", classes - 1, ", got ",
                           count);
  const auto largest = std::get<1>(at::topk(log_p, count, 1));
  const auto kept =
      at::zeros(log_p.sizes(), log_p.options().dtype(torch::kBool)).scatter_(1, largest, true);
  const auto each =
      detail::log_of_rest(log_p, kept) - std::log(static_cast<double>(classes - count));
  return at::where(kept, log_p, each);
}

ROLEWISE_INLINE torch::Tensor class_similarity(const torch::Tensor& weights, temperature t)
{
  if (!weights.defined() || !weights.is_floating_point() || weights.dim() != 2 ||
      weights.size(0) < 2)
    throw_invalid_argument("class_similarity", "want the rows of 2 classes or more, [K, D], got ",
                           detail::form_of(weights));
  const auto rows = weights.detach().to(torch::kDouble);
  const auto lengths = rows.norm(2, {1}, true);
  if (!lengths.isfinite().all().item<bool>() || (lengths == 0.0).any().item<bool>())
    throw_invalid_argument("class_similarity", "want finite rows, none of zeros");
  const auto directions = rows / lengths;
  return (directions.mm(directions.t()) / t.value()).exp();
}

}  // namespace rolewise
