// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/bwn.hpp>.

#include <rolewise/quant/bwn.hpp>

#include <rolewise/core/autograd_function.hpp>

namespace rolewise {

ROLEWISE_INLINE void bwn::weights::constrain(torch::Tensor& w, bit_width bits) const
{
  if (bits.is_full()) return;
  const torch::NoGradGuard no_graph;
  if (center && w.dim() > 1) w.sub_(w.mean(1, true));
  if (clamp) w.clamp_(-1, 1);
}

}  // namespace rolewise

namespace rolewise::detail {

/// Autograd function: the gradient proxy of scale * sign(w).
struct binary_gradient_proxy : torch::autograd::Function<binary_gradient_proxy> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& w,
                               const quantized& q, bwn_gradient gradient);

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient);
};

ROLEWISE_INLINE torch::Tensor binary_gradient_proxy::forward(
    torch::autograd::AutogradContext* context, const torch::Tensor& w, const quantized& q,
    bwn_gradient gradient)
{
  const auto size = w.detach().abs();
  const bool chain = gradient == bwn_gradient::chain_rule;
  context->saved_data["chain"] = chain;
  context->save_for_backward({w.ge(0), q.scale, chain ? size.le(1) : size.lt(1)});
  return gradient_proxy_for(w);
}

ROLEWISE_INLINE torch::autograd::variable_list binary_gradient_proxy::backward(
    torch::autograd::AutogradContext* context, torch::autograd::variable_list gradient)
{
  const auto saved = context->get_saved_variables();
  const auto& g = gradient[0];
  const auto n = static_cast<double>(g.numel() / g.size(0));
  const auto through_sign = g * saved[2] * saved[1];
  if (!context->saved_data["chain"].toBool()) return {through_sign + g / n, {}, {}};
  const auto signs = saved[0].to(g.scalar_type()).mul_(2).sub_(1);
  const auto of_scale = beside_filters((g * signs).flatten(1).sum(1), g) / n;
  return {through_sign + signs * of_scale, {}, {}};
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE quantized bwn::weights::operator()(const torch::Tensor& w, bit_width bits) const
{
  if (bits.is_full()) return {.levels = w, .scale = {}};
  detail::require_bits(name, layer, bits, bit_width{1}, "its weights are signs");
  constexpr level_range range{-1, 1};
  if (w.numel() == 0) return detail::empty_levels(w, range);
  const auto x = detail::in_at_least_single(w);
  const auto scale = detail::beside_filters(x.abs().flatten(1).mean(1), x);
  detail::require_finite(name, "weights", layer, scale);
  const auto all_zero = scale.eq(0);
  quantized q{.levels = detail::binary_signs(x).masked_fill_(all_zero, 0),
              .scale = scale,
              .is_integer = true,
              .range = range};
  q.gradient_proxy = detail::wants_gradient(w)
                         ? detail::binary_gradient_proxy::apply(w, q, gradient)
                         : gradient_proxy_for(w);
  q.scale = scale.masked_fill(all_zero, 1);
  return q;
}

}  // namespace rolewise
