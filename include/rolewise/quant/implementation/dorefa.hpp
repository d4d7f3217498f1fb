// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/dorefa.hpp>.

#include <rolewise/quant/dorefa.hpp>

#include <rolewise/core/autograd_function.hpp>

namespace rolewise::detail {

/// Autograd function: a gradient proxy that passes the gradient of the values to x unchanged.
struct unchanged : torch::autograd::Function<unchanged> {
  static torch::Tensor forward(torch::autograd::AutogradContext*, const torch::Tensor& x)
  {
    return gradient_proxy_for(x);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list gradient)
  {
    return gradient;
  }
};

/// Autograd function: writes the codes of x, clipped to [0, 1], to `levels`; returns the gradient
/// proxy of the values.
struct unit_interval : torch::autograd::Function<unit_interval> {
  /// @param x gives type and device
  [[nodiscard]] static affine_code_map map(const torch::Tensor& x, double n);
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               double n, torch::Tensor* levels);
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list& gradient);
};

ROLEWISE_INLINE affine_code_map unit_interval::map(const torch::Tensor& x, double n)
{
  return {.low = scale_beside(x, 0),
          .high = scale_beside(x, 1),
          .times = scale_beside(x, n),
          .shift = {},
          .range = {0, static_cast<std::int64_t>(n)}};
}

ROLEWISE_INLINE torch::Tensor unit_interval::forward(torch::autograd::AutogradContext* context,
                                                     const torch::Tensor& x, double n,
                                                     torch::Tensor* levels)
{
  context->save_for_backward({x});
  context->saved_data["n"] = n;
  *levels = codes_of("dorefa", x, map(x, n), nonfinite_policy::nan);
  return gradient_proxy_for(x);
}

ROLEWISE_INLINE torch::autograd::variable_list unit_interval::backward(
    torch::autograd::AutogradContext* context, torch::autograd::variable_list& gradient)
{
  const auto x = context->get_saved_variables()[0];
  const auto by = map(x, context->saved_data["n"].toDouble());
  auto back = back_through("dorefa", backward_rule::closed, std::exchange(gradient[0], {}), x, by);
  return {back.to_x, {}, {}};
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE quantized dorefa::weights::operator()(const torch::Tensor& w, bit_width bits) const
{
  if (bits.is_full()) return {.levels = w, .scale = {}};
  const double n = detail::intervals(bits);
  const auto highest = static_cast<std::int64_t>(n);
  quantized q{.is_integer = true, .range = level_range{-highest, highest}};
  if (bits.value() > 1) {
    q.gradient_proxy =
        detail::gradient_proxy_through_tanh(w, n, gradient == dorefa_gradient::exact, &q.levels);
    q.scale = detail::scale_beside(w, 1 / n);
    return q;
  }
  q.gradient_proxy = detail::unchanged::apply(w);
  const auto mean = detail::mean_magnitude(w.detach()), all_zero = mean.eq(0);
  q.levels = detail::signs_of("dorefa", w.detach());
  if (!w.device().is_cpu())
    q.levels.masked_fill_(all_zero, 0);  // reading it would synchronize with the device
  else if (all_zero.item<bool>())
    q.levels.zero_();
  q.scale = mean.masked_fill(all_zero, 1);
  return q;
}

ROLEWISE_INLINE quantized dorefa::activations::operator()(const torch::Tensor& x,
                                                          bit_width bits) const
{
  if (bits.is_full()) return {.levels = x.relu(), .scale = {}};
  const double n = detail::intervals(bits);
  quantized q{.is_integer = true, .range = level_range{0, static_cast<std::int64_t>(n)}};
  q.gradient_proxy = detail::unit_interval::apply(x, n, &q.levels);
  q.scale = detail::scale_beside(x, 1 / n);
  return q;
}

ROLEWISE_INLINE std::optional<detail::fusible_steps> dorefa::activations::steps(
    at::IntArrayRef, bit_width bits) const
{
  const auto like = at::empty({0}, torch::kFloat);
  const double n = detail::intervals(bits);
  return detail::fusible_steps{.how = detail::backward_rule::closed,
                               .rule = {.who = "dorefa"},
                               .fixed = detail::unit_interval::map(like, n),
                               .codes = {.scale = detail::scale_beside(like, 1 / n),
                                         .is_integer = true,
                                         .range = level_range{0, static_cast<std::int64_t>(n)}}};
}

}  // namespace rolewise
