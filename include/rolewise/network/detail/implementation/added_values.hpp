// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/added_values.hpp>.

#include <rolewise/network/detail/added_values.hpp>

#include <rolewise/core/autograd_function.hpp>

namespace rolewise::detail {

/// Autograd function: adds dequantized values to y, in place; their gradient goes to the gradient
/// proxy.
struct added_values : torch::autograd::Function<added_values> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, torch::Tensor y,
                               const torch::Tensor& gradient_proxy, const quantized& q);
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list gradient)
  {
    return {gradient[0], gradient[0], {}};
  }
};

ROLEWISE_INLINE torch::Tensor added_values::forward(torch::autograd::AutogradContext* context,
                                                    torch::Tensor y,
                                                    const torch::Tensor& gradient_proxy,
                                                    const quantized& q)
{
  context->mark_dirty({y});
  auto x = scratch_copy(q.levels, gradient_proxy.scalar_type());
  if (q.zero_point != 0) x.sub_(q.zero_point);
  if (q.scale.defined()) x.mul_(q.scale);
  if (q.offset.defined()) x.add_(q.offset);
  return y.add_(x);
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE torch::Tensor add_to(torch::Tensor y, const quantized& x)
{
  if (!x.gradient_proxy.defined()) return y.add_(x.values());
  return detail::added_values::apply(std::move(y), x.gradient_proxy, x);
}

}  // namespace rolewise
