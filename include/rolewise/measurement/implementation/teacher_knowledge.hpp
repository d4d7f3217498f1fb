// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/measurement/teacher_knowledge.hpp>.

#include <rolewise/measurement/teacher_knowledge.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

namespace rolewise::measurement::detail {

ROLEWISE_INLINE void profile_sums::add(const torch::Tensor& log_p, const torch::Tensor& labels)
{
  const auto p = log_p.exp();
  if (!sums_.defined()) {
    sums_ = at::zeros({p.size(1), p.size(1)}, p.options());
    counts_ = at::zeros({p.size(1)}, p.options());
  }
  sums_.index_add_(0, labels, p);
  counts_.index_add_(0, labels, at::ones_like(labels, p.options()));
  of_labels_ += p.gather(1, labels.unsqueeze(1)).sum().item<double>();
}

ROLEWISE_INLINE teacher_profile profile_sums::profile() const
{
  if (!sums_.defined()) throw_invalid_argument("profile_of", "want examples with labels, got none");
  const auto classes = counts_.size(0);
  const auto counts = counts_.unsqueeze(1);
  teacher_profile found{.label_probability = of_labels_ / counts_.sum().item<double>(),
                        .class_means = at::where(counts > 0.0, sums_ / counts.clamp_min(1.0),
                                                 1.0 / static_cast<double>(classes))};
  for (std::int64_t y = 0; y < classes; ++y)
    found.examples.push_back(static_cast<std::int64_t>(counts_[y].item<double>()));
  return found;
}

ROLEWISE_INLINE void knowledge_sums::add(const torch::Tensor& whole, const torch::Tensor& part,
                                         const torch::Tensor& labels)
{
  const auto sum = [](const torch::Tensor& t) { return t.sum().item<double>(); };
  row_.label_probability += sum(part.gather(1, labels.unsqueeze(1)).exp());
  row_.entropy -= sum(part.exp() * part);
  row_.divergence += sum(whole.exp() * (whole - part));
  row_.top1 += sum((part.argmax(1) == labels).to(torch::kDouble));
  count_ += labels.size(0);
}

ROLEWISE_INLINE knowledge_row knowledge_sums::row() const
{
  if (count_ == 0)
    throw_invalid_argument("teacher_knowledge", "want examples with labels, got none");
  const auto n = static_cast<double>(count_);
  return {row_.part, row_.label_probability / n, row_.entropy / n, row_.divergence / n,
          row_.top1 / n};
}

}  // namespace rolewise::measurement::detail
