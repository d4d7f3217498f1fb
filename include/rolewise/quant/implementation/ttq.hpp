// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/ttq.hpp>.

#include <rolewise/quant/ttq.hpp>

#include <rolewise/core/autograd_function.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE std::pair<torch::Tensor, torch::Tensor> ttq::weights::sides_of(
    const torch::Tensor& w) const
{
  const auto threshold = w.abs().max() * fraction_;
  detail::require_finite(name, "weights", layer_, threshold);
  return {w.gt(threshold), w.lt(-threshold)};
}

ROLEWISE_INLINE ttq::weights ttq::start_weights(const layer_id& place) const
{
  if (!(fraction >= 0 && fraction < 1))
    throw_invalid_argument(name, "fraction is ", fraction, ", want [0, 1)");
  return {fraction, start, place.name};
}

}  // namespace rolewise

namespace rolewise::detail {

/// Autograd function: the gradient proxy of a where `above`, -b where `below`, and 0 between.
struct two_scales_gradient_proxy : torch::autograd::Function<two_scales_gradient_proxy> {
  struct sides {
    torch::Tensor above{};
    torch::Tensor below{};
  };

  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& w,
                               const torch::Tensor& a, const torch::Tensor& b, const sides& of_w);
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient);
};

ROLEWISE_INLINE torch::Tensor two_scales_gradient_proxy::forward(
    torch::autograd::AutogradContext* context, const torch::Tensor& w, const torch::Tensor& a,
    const torch::Tensor& b, const sides& of_w)
{
  const auto factor = at::where(of_w.above, a, at::where(of_w.below, b, at::ones_like(a)));
  context->save_for_backward({factor, of_w.above, of_w.below});
  return gradient_proxy_for(w);
}

ROLEWISE_INLINE torch::autograd::variable_list two_scales_gradient_proxy::backward(
    torch::autograd::AutogradContext* context, torch::autograd::variable_list gradient)
{
  const auto saved = context->get_saved_variables();
  const auto& g = gradient[0];
  return {g * saved[0], (g * saved[1]).sum(), (g * saved[2]).sum().neg(), {}};
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE void ttq::weights::observe(const torch::Tensor& w, bit_width bits)
{
  if (bits.is_full() || w.numel() == 0) return;
  const torch::NoGradGuard no_graph;  // in place: the optimizer refers to these tensors
  if (!is_started_) {
    const auto [above, below] = sides_of(w);
    const auto size = w.abs();
    const auto mean_where = [&](const torch::Tensor& mask) {
      return (size * mask).sum() / mask.sum().clamp_min(1);
    };
    above_.copy_(mean_where(above));
    below_.copy_(mean_where(below));
    is_started_ = true;
  }
  above_.clamp_min_(0x1p-10);
  below_.clamp_min_(0x1p-10);
}

ROLEWISE_INLINE quantized ttq::weights::operator()(const torch::Tensor& w, bit_width bits) const
{
  if (bits.is_full()) return {.levels = w, .scale = {}};
  detail::require_bits(name, layer_, bits, bit_width{2}, "its weights have three values");
  const auto x = detail::in_at_least_single(w);
  if (w.numel() == 0) return {.levels = x, .gradient_proxy = detail::gradient_proxy_through(w)};
  const auto [above, below] = sides_of(x);
  const auto values = above * above_.detach() - below * below_.detach();
  const bool graph = at::GradMode::is_enabled();
  return {.levels = values.to(x.scalar_type()),
          .gradient_proxy =
              graph ? detail::two_scales_gradient_proxy::apply(
                          w, above_, below_, detail::two_scales_gradient_proxy::sides{above, below})
                    : gradient_proxy_for(w)};
}

}  // namespace rolewise
