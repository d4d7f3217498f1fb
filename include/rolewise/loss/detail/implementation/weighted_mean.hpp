// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/weighted_mean.hpp>.

#include <rolewise/loss/detail/weighted_mean.hpp>

#include <rolewise/support/error.hpp>

#include <limits>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor weights_for(const torch::Tensor& values, const torch::Tensor& weights,
                                          std::string_view caller)
{
  const bool each = weights.sizes() == values.sizes();
  const bool by_example = weights.dim() == 1 && weights.size(0) == values.size(0);
  if (!each && !by_example)
    throw_invalid_argument(caller, "want weights ", values.sizes(), " or [", values.size(0),
                           "], got ", weights.sizes());
  if (!weights.is_floating_point())
    throw_invalid_argument(caller, "want weights of floating point, got ", weights.scalar_type());
  if (weights.device() != values.device())
    throw_invalid_argument(caller, "device of weights ", weights.device(), ", of student ",
                           values.device());
  auto shape = weights.sizes().vec();
  shape.resize(static_cast<std::size_t>(values.dim()), 1);
  return weights.to(values.scalar_type()).view(shape).expand(values.sizes());
}

ROLEWISE_INLINE torch::Tensor weighted_mean(const torch::Tensor& values,
                                            const torch::Tensor& weights)
{
  const auto counted = at::where(weights == 0, at::zeros_like(values), values * weights);
  return counted.sum() / weights.sum().clamp_min(double{std::numeric_limits<float>::min()});
}

ROLEWISE_INLINE torch::Tensor element_mean(const torch::Tensor& values, const targets& targets,
                                           std::string_view caller)
{
  if (!targets.weights.defined()) return values.mean();
  return weighted_mean(values, weights_for(values, targets.weights, caller));
}

}  // namespace rolewise::detail
