// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/overhaul_distillation.hpp>.

#include <rolewise/loss/overhaul_distillation.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/special_ndtr.h>

#include <cmath>
#include <numbers>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor batch_norm_margins(const torch::Tensor& scale,
                                                 const torch::Tensor& shift)
{
  constexpr double rare = 0.001, far = 3.0;
  if (!scale.defined() || !shift.defined() || scale.dim() != 1 || scale.sizes() != shift.sizes())
    throw_invalid_argument("batch_norm_margins", "want scale and shift [C], got ",
                           scale.defined() ? detail::classic_text(scale.sizes()) : "none", " and ",
                           shift.defined() ? detail::classic_text(shift.sizes()) : "none");
  const auto deviation = scale.detach().to(torch::kDouble).abs();
  const auto mean = shift.detach().to(torch::kDouble);
  const auto constant = deviation.eq(0);
  const auto at_zero = -mean / deviation.masked_fill(constant, 1.0);
  const auto probability = at::special_ndtr(at_zero);
  const auto density =
      (at_zero.square() / -2.0).exp() / std::sqrt(2.0 * std::numbers::pi) * deviation;
  const auto expected = mean - density / probability.clamp_min(rare);
  const auto found = at::where(probability > rare, expected, deviation * -far);
  return at::where(constant, mean.clamp_max(0.0), found).to(scale.scalar_type());
}

namespace detail {

ROLEWISE_INLINE torch::Tensor partial_distances(const torch::Tensor& teacher,
                                                const torch::Tensor& student,
                                                const torch::Tensor& margins,
                                                std::string_view caller)
{
  if (margins.defined() && (margins.dim() != 1 || margins.size(0) != teacher.size(1)))
    throw_invalid_argument(caller, "want margins [", teacher.size(1), "], got ", margins.sizes());
  const auto mean_below = [&] {
    const auto count = teacher.lt(0).sum({0, 2, 3}).clamp_min(1);
    return teacher.clamp_max(0.0).sum({0, 2, 3}) / count;
  };
  const auto margin = margins.defined() ? margins.to(teacher.scalar_type()) : mean_below();
  const auto rectified = at::maximum(teacher, margin.view({1, -1, 1, 1}));
  const auto counts = (student > rectified).logical_or_(rectified > 0);
  return ((student - rectified).square() * counts).flatten(1).sum(1);
}

}  // namespace detail

}  // namespace rolewise
