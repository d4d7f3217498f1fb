// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/systems/detail/tst_parts.hpp>.

#include <rolewise/systems/detail/tst_parts.hpp>

#include <rolewise/core/batch_parts.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/non_saturating.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/top_k_accuracy.hpp>

#include <string>
#include <utility>

namespace rolewise::systems::detail {

ROLEWISE_INLINE loss_terms teachable(const paired_outputs& pair, const targets& targets)
{
  const auto of_teacher = cross_entropy{}({.teacher = {}, .student = pair.teacher}, targets);
  const auto of_student = non_saturating{}({.teacher = {}, .student = pair.student}, targets);
  return {of_teacher + of_student,
          {{"teacher-cross-entropy", of_teacher.detach()},
           {std::string{non_saturating::name}, of_student.detach()}}};
}

ROLEWISE_INLINE batch joined_views(const batch& view, const batch& other)
{
  auto second = normalized(to_device(other, view.inputs.device()));
  second.inputs = second.inputs.to(view.inputs.scalar_type());
  return joined({view, second});
}

ROLEWISE_INLINE metrics search_metrics(const outputs& student, const targets& targets,
                                       const torch::Tensor& loss, const loss_terms& terms)
{
  metrics numbers{{"loss", loss}};
  for (const auto& each : terms.terms) numbers.push_back({each.name, each.value});
  add_metric(numbers, top_k_accuracy{}, student, targets);
  return numbers;
}

ROLEWISE_INLINE void pass_mean::add(const torch::Tensor& loss, std::int64_t examples)
{
  const auto more = loss.detach() * static_cast<double>(examples);
  sum_ = owned_tensor{sum_->defined() ? *sum_ + more : more};
  examples_ += examples;
}

ROLEWISE_INLINE double pass_mean::take()
{
  const double mean = sum_->item<double>() / static_cast<double>(examples_);
  *this = {};
  return mean;
}

}  // namespace rolewise::systems::detail
