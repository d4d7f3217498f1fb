// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/gradient_norms.hpp>.

#include <rolewise/loss/detail/gradient_norms.hpp>

#include <ATen/ops/addcmul.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/ScalarType.h>

#include <limits>
#include <optional>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor sum_with_norm(const torch::Tensor& task_gradient,
                                            const torch::Tensor& distillation_gradient,
                                            double share, norm_rule rule)
{
  if (!distillation_gradient.defined())
    return task_gradient.defined() ? task_gradient.clone() : task_gradient;
  if (!task_gradient.defined()) return at::zeros_like(distillation_gradient);

  const auto type = distillation_gradient.scalar_type();
  const auto wide = c10::promoteTypes(type, torch::kFloat);  // squares overflow in fp16
  const auto length = [wide](const torch::Tensor& gradient) {
    return at::linalg_vector_norm(gradient, 2, std::nullopt, false, wide);
  };
  // Where the distillation gradient is zero, any finite factor is correct.
  auto factor =
      (length(task_gradient) * share)
          .div(length(distillation_gradient).clamp_min(double{std::numeric_limits<float>::min()}));
  factor = rule == norm_rule::at_most ? factor.clamp_max(1.0)
                                      : factor.clamp_max(double{std::numeric_limits<float>::max()});
  if (!c10::isReducedFloatingType(type))
    return at::addcmul(task_gradient, distillation_gradient, factor.to(type));
  // A factor below 6e-5 has few digits in fp16; what it multiplies may be large.
  return at::addcmul(task_gradient.to(wide), distillation_gradient.to(wide), factor).to(type);
}

}  // namespace rolewise::detail
