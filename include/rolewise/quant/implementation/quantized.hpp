// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/quantized.hpp>.

#include <rolewise/quant/quantized.hpp>

#include <rolewise/core/autograd_function.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor values_of_levels(const quantized& q, torch::ScalarType type)
{
  auto x = q.levels.scalar_type() == type ? q.levels : q.levels.to(type);
  if (q.zero_point != 0) x = x - q.zero_point;
  if (q.scale.defined()) x = x * q.scale;
  return q.offset.defined() ? x + q.offset : x;
}

/// Autograd function: dequantizes levels and passes the gradient of the values to the gradient
/// proxy.
struct stood_for : torch::autograd::Function<stood_for> {
  static torch::Tensor forward(torch::autograd::AutogradContext*,
                               const torch::Tensor& gradient_proxy, const quantized& q);
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list gradient)
  {
    return {gradient[0], {}};
  }
};

ROLEWISE_INLINE torch::Tensor stood_for::forward(torch::autograd::AutogradContext*,
                                                 const torch::Tensor& gradient_proxy,
                                                 const quantized& q)
{
  const auto values = values_of_levels(q, gradient_proxy.scalar_type());
  return values.is_same(q.levels) ? values.alias() : values;
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE torch::Tensor quantized::values() const
{
  return gradient_proxy.defined() ? detail::stood_for::apply(gradient_proxy, *this)
                                  : detail::values_of_levels(*this, levels.scalar_type());
}

ROLEWISE_INLINE bool is_plain(const quantized& q)
{
  return !q.scale.defined() && !q.offset.defined() && q.zero_point == 0 && !q.is_integer &&
         !q.gradient_proxy.defined();
}

ROLEWISE_INLINE quantized with_gradient_proxy(quantized q)
{
  if (q.gradient_proxy.defined()) return q;
  const bool has_gradient =
      at::GradMode::is_enabled() &&
      (q.levels.requires_grad() || (q.scale.defined() && q.scale.requires_grad()) ||
       (q.offset.defined() && q.offset.requires_grad()));
  q.gradient_proxy = has_gradient ? q.values() : q.levels;
  q.levels = q.levels.detach();
  if (q.scale.defined()) q.scale = q.scale.detach();
  if (q.offset.defined()) q.offset = q.offset.detach();
  return q;
}

}  // namespace rolewise
