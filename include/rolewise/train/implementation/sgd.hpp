// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/sgd.hpp>.

#include <rolewise/support/error.hpp>
#include <rolewise/train/sgd.hpp>

#include <ATen/ops/_fused_sgd.h>

#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE void sgd_state::update(const std::vector<named_tensor>& parameters,
                                       const std::vector<torch::Tensor>& gradients,
                                       double learning_rate)
{
  const torch::NoGradGuard without_graph;
  const bool remembers = settings_.momentum > 0.0;
  for (auto& group :
       groups_of(parameters, gradients, count_, settings_.weight_decay, settings_.decays)) {
    const auto momentum =
        remembers ? select(momentum_, group.places) : std::vector<torch::Tensor>{};
    at::_fused_sgd_(group.values, group.gradients, momentum, group.weight_decay, settings_.momentum,
                    learning_rate, 0.0, remembers && settings_.nesterov, false, false);
    count_change(group.values);
  }
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE detail::sgd_state sgd::start(const std::vector<named_tensor>& parameters) const
{
  if (!(learning_rate >= 0.0) || !(momentum >= 0.0 && momentum < 1.0) || !(weight_decay >= 0.0))
    throw_invalid_argument(
        "sgd", "want learning_rate >= 0, momentum in [0, 1) and weight_decay >= 0, got ",
        learning_rate, ", ", momentum, " and ", weight_decay);
  if (!std::isfinite(learning_rate) || !std::isfinite(weight_decay))
    throw_invalid_argument("sgd", "want a finite learning_rate and weight_decay, got ",
                           learning_rate, " and ", weight_decay);
  return {*this, parameters};
}

}  // namespace rolewise
