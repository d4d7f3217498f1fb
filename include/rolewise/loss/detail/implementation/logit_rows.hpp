// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/logit_rows.hpp>.

#include <rolewise/loss/detail/logit_rows.hpp>

#include <rolewise/loss/detail/fused_loss.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/weighted_mean.hpp>

#include <limits>

namespace rolewise::detail {

ROLEWISE_INLINE std::vector<double> logit_rows::shares(bool with_labels) const
{
  const auto rows = static_cast<std::size_t>(student.size(0));
  std::vector<double> found(rows, 1.0);
  if (targets.weights.defined()) {
    const auto* const weight = targets.weights.const_data_ptr<float>();
    std::copy(weight, weight + rows, found.begin());
  }
  if (with_labels && targets.labels.scalar_type() == torch::kLong) {
    const auto* const label = targets.labels.const_data_ptr<std::int64_t>();
    for (std::size_t row = 0; row < rows; ++row)
      if (label[row] == targets.ignore_index) found[row] = 0.0;
  }
  double sum = 0.0;
  for (const double each : found) sum += each;
  const double least = std::numeric_limits<float>::min();
  for (double& each : found) each /= std::max(sum, least);
  return found;
}

ROLEWISE_INLINE std::optional<logit_rows> logit_rows_of(const torch::Tensor& teacher,
                                                        const torch::Tensor& student,
                                                        const targets& targets,
                                                        std::string_view caller)
{
  const auto by_row = [](const torch::Tensor& logits) {
    const auto exact = wide_enough(logits);
    return exact.dim() == 2 ? exact : exact.movedim(1, -1);
  };
  if (!student.is_cpu() || (targets.weights.defined() && targets.weights.requires_grad()))
    return std::nullopt;
  const auto own = by_row(student);
  const auto others = teacher.defined() ? by_row(teacher.detach()) : torch::Tensor{};
  if (!fits_kernels(own) || (others.defined() && !fits_kernels(others))) return std::nullopt;

  const auto as_rows = [](const torch::Tensor& of) {
    return of.dim() == 2 ? of : of.view({-1, of.size(-1)});
  };
  logit_rows found{as_rows(own), others.defined() ? as_rows(others) : others, targets};
  if (targets.weights.defined())
    found.targets.weights =
        weights_for(own.detach().select(-1, 0), targets.weights, caller).reshape({-1}).contiguous();
  const auto& labels = targets.labels;
  if (labels.defined() && labels.scalar_type() == torch::kLong)
    found.targets.labels = labels.reshape({-1}).contiguous();
  else
    found.targets.labels = torch::Tensor{};
  return found;
}

}  // namespace rolewise::detail
