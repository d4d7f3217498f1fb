// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/detail/gradient_proxies.hpp>.

#include <rolewise/quant/detail/gradient_proxies.hpp>

#include <rolewise/core/autograd_function.hpp>
#include <rolewise/support/error.hpp>

#include <limits>

namespace rolewise::detail {

/// A factor of a gradient; undefined means 1. Wrapped in a type of its own, because an autograd
/// function treats a tensor argument as an input with a gradient.
struct gradient_factor {
  torch::Tensor value{};
};

/// Autograd function: the gradient proxy of values computed from x; their gradient goes to x, times
/// a factor.
struct factored_gradient_proxy : torch::autograd::Function<factored_gradient_proxy> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const gradient_factor& factor)
  {
    context->save_for_backward({factor.value});
    return gradient_proxy_for(x);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient);
};

ROLEWISE_INLINE torch::autograd::variable_list factored_gradient_proxy::backward(
    torch::autograd::AutogradContext* context, torch::autograd::variable_list gradient)
{
  const auto factor = context->get_saved_variables()[0];
  return {factor.defined() ? gradient[0] * factor : gradient[0], {}};
}

ROLEWISE_INLINE torch::Tensor gradient_proxy_through(const torch::Tensor& x, torch::Tensor factor)
{
  if (!wants_gradient(x)) return gradient_proxy_for(x);
  return factored_gradient_proxy::apply(x, gradient_factor{std::move(factor)});
}

ROLEWISE_INLINE torch::Tensor in_at_least_single(const torch::Tensor& x)
{
  const auto type = x.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
  return x.detach().to(type);
}

ROLEWISE_INLINE torch::Tensor beside_filters(const torch::Tensor& of_filters,
                                             const torch::Tensor& w)
{
  std::vector<std::int64_t> shape(static_cast<std::size_t>(w.dim()), 1);
  shape[0] = w.size(0);
  return of_filters.view(shape);
}

ROLEWISE_INLINE quantized empty_levels(const torch::Tensor& x, level_range range)
{
  return {.levels = in_at_least_single(x),
          .scale = at::ones({}, in_at_least_single(x).options()),
          .is_integer = true,
          .range = range,
          .gradient_proxy = gradient_proxy_through(x)};
}

ROLEWISE_INLINE torch::Tensor binary_signs(const torch::Tensor& x)
{
  return x.ge(0)
      .to(x.scalar_type())
      .mul_(2)
      .sub_(1)
      .masked_fill_(x.isnan(), std::numeric_limits<double>::quiet_NaN());
}

ROLEWISE_INLINE void require_finite(std::string_view who, std::string_view what,
                                    std::string_view layer, const torch::Tensor& statistic)
{
  if (!statistic.is_cpu() || statistic.isfinite().all().item<bool>()) return;
  diverge(who, what, " of layer ", layer, " are not all finite numbers");
}

ROLEWISE_INLINE void require_bits(std::string_view who, std::string_view layer, bit_width found,
                                  bit_width wanted, std::string_view why)
{
  if (found != wanted)
    throw_invalid_argument(who, "layer ", layer, " is to have ", found.value(), " bits, want ",
                           wanted.value(), " or 32: ", why);
}

}  // namespace rolewise::detail
