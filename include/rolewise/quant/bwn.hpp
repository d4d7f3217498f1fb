// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `bwn`: binary weights with one scale per filter (Binary-Weight-Networks).

#include <rolewise/quant/detail/gradient_proxies.hpp>
#include <rolewise/quant/quantizer.hpp>

#include <string>
#include <string_view>

namespace rolewise {

/// The straight-through gradient of binary weights. G is the gradient of the values, n the number
/// of weights of a filter, a its scale.
enum class bwn_gradient {
  /// sign(w_i)/n sum_j G_j sign(w_j) + a G_i [|w_i| <= 1]: the scale is differentiated, too.
  chain_rule,
  /// G_i (1/n + a [|w_i| < 1]): each weight affects the scale of its own value only.
  paper
};

/// One-bit weights: +-a, where a is the mean |w| of a filter (of an output).
///
///     levels sign(w) with sign(0) = +1, scale mean |w| for each filter
///
/// For fixed signs this scale minimizes the squared error. An all-zero filter becomes 0. Widths
/// are 1 or 32 bits.
///
/// @par Gradients
/// `bwn_gradient`.
/// @par Determinism
/// A function of its arguments alone. `constrain` changes the stored weights if `center` or
/// `clamp` is set.
/// @throws std::invalid_argument for other widths
/// @throws std::runtime_error on the CPU, for weights that are not finite
/// @par Source
/// Rastegari, Ordonez, Redmon, Farhadi: XNOR-Net: ImageNet Classification Using Binary
/// Convolutional Neural Networks, 2016, arXiv:1603.05279, sections 3.1 and 3.3; code
/// allenai/XNOR-Net.
/// @par Departs
/// The released code has sign(0) = 0, a third value, and multiplies gradients by n or by 1e9,
/// which suits its optimizers alone; so does its factor 1 - 1/I for the centering. Centering and
/// clamping of the stored weights are off by default.
struct bwn {
  static constexpr std::string_view name = "bwn";

  struct weights {
    static constexpr bool has_state = false;
    static constexpr bool is_monotone = true;
    static constexpr bool is_idempotent = true;

    bwn_gradient gradient = bwn_gradient::chain_rule;
    bool center = false;
    bool clamp = false;
    std::string layer{};

    [[nodiscard]] quantized operator()(const torch::Tensor& w, bit_width bits) const;

    /// Centers and clamps the stored weights in place, if configured, before each forward pass of
    /// training.
    void constrain(torch::Tensor& w, bit_width bits) const
    {
      if (bits.is_full()) return;
      const torch::NoGradGuard no_graph;
      if (center && w.dim() > 1) w.sub_(w.mean(1, true));
      if (clamp) w.clamp_(-1, 1);
    }
  };

  bwn_gradient gradient = bwn_gradient::chain_rule;
  /// Subtracts the mean over the input channels from the stored weights, for each output and
  /// kernel position. With a single input channel all weights become 0.
  bool center = false;
  /// Clamps the stored weights to [-1, 1].
  bool clamp = false;

  [[nodiscard]] weights start_weights(const layer_id& place) const
  {
    return {gradient, center, clamp, place.name};
  }
};

static_assert(WeightQuantizer<bwn>);

namespace detail {

/// Autograd function: the gradient proxy of scale * sign(w).
struct binary_gradient_proxy : torch::autograd::Function<binary_gradient_proxy> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& w,
                               const quantized& q, bwn_gradient gradient)
  {
    const auto size = w.detach().abs();
    const bool chain = gradient == bwn_gradient::chain_rule;
    context->saved_data["chain"] = chain;
    context->save_for_backward({w.ge(0), q.scale, chain ? size.le(1) : size.lt(1)});
    return gradient_proxy_for(w);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient)
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
};

}  // namespace detail

inline quantized bwn::weights::operator()(const torch::Tensor& w, bit_width bits) const
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
