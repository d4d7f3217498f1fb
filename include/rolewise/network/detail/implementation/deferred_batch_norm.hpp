// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/deferred_batch_norm.hpp>.

#include <rolewise/network/detail/deferred_batch_norm.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE deferred_batch_norm deferred_batch_norm::plus(const torch::Tensor& x) &&
{
  if (is_pending() && !beside_.defined() && lies_beside(x) && x.scalar_type() == torch::kFloat) {
    beside_ = work_.beside = x;
    return std::move(*this);
  }
  return rolewise::add_to(taken(), x);
}

ROLEWISE_INLINE deferred_batch_norm deferred_batch_norm::plus(const quantized& x) &&
{
  const bool are_bytes = x.gradient_proxy.defined() && x.levels.scalar_type() == torch::kByte &&
                         (!x.scale.defined() || x.scale.dim() == 0);
  if (!is_pending() || beside_.defined() || !are_bytes || !lies_beside(x.levels))
    return rolewise::add_to(taken(), x);
  const auto number = [](const torch::Tensor& t, float otherwise) {
    return t.defined() ? t.item<float>() : otherwise;
  };
  beside_ = x.gradient_proxy;
  work_.beside = x.levels;
  work_.addend = {.zero = static_cast<float>(x.zero_point),
                  .scale = number(x.scale, 1.0F),
                  .offset = number(x.offset, 0.0F)};
  return std::move(*this);
}

ROLEWISE_INLINE quantized deferred_batch_norm::codes(const fusible_steps& steps) const
{
  auto work = work_;
  work.steps = steps;
  auto q = steps.codes;
  q.gradient_proxy = fused_batch_norm_of(x_, weight_, bias_, addend(), steps.step, work, &q.levels);
  return q;
}

ROLEWISE_INLINE void deferred_batch_norm::make()
{
  torch::Tensor none;
  values_ = at::GradMode::is_enabled()
                ? fused_batch_norm_of(x_, weight_, bias_, addend(), std::nullopt, work_, &none)
                : normalize(std::move(x_), work_.lines, work_.added(), work_.is_rectified);
  x_ = weight_ = bias_ = beside_ = torch::Tensor{};
  work_ = {};
}

ROLEWISE_INLINE bool deferred_batch_norm::lies_beside(const torch::Tensor& x) const
{
  return x.device().is_cpu() && x.sizes() == x_.sizes() && x.strides() == x_.strides() &&
         !x.is_neg();
}

}  // namespace rolewise::detail
