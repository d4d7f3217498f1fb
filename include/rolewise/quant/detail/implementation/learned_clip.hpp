// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/detail/learned_clip.hpp>.

#include <rolewise/quant/detail/learned_clip.hpp>

#include <rolewise/core/autograd_function.hpp>
#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor first_clip(std::string_view who, const layer_id& place, double value)
{
  if (!(value > 0.0) || !std::isfinite(value))
    throw_invalid_argument(who, "layer ", place.name, " wants a first clip above 0, got ", value);
  return at::full({}, value, torch::kFloat).set_requires_grad(true);
}

ROLEWISE_INLINE affine_code_map code_map_within(const torch::Tensor& clip, double n)
{
  const auto high = clip.clamp_min(least_clip);
  return {.low = at::zeros_like(high),
          .high = high,
          .times = n / high,
          .shift = {},
          .range = {0, static_cast<std::int64_t>(n)}};
}

/// Autograd function of `gradient_proxy_within_clip`.
struct within_clip : torch::autograd::Function<within_clip> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& clip, const torch::Tensor& z,
                               const torch::Tensor& level, double lowest, bool passes_outside);
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient);
};

ROLEWISE_INLINE torch::Tensor within_clip::forward(
    torch::autograd::AutogradContext* context, const torch::Tensor& x, const torch::Tensor& clip,
    const torch::Tensor& z, const torch::Tensor& level, double lowest, bool passes_outside)
{
  context->save_for_backward({z, level});
  context->saved_data["lowest"] = lowest;
  context->saved_data["passes_outside"] = passes_outside;
  context->saved_data["clip_type"] = static_cast<std::int64_t>(clip.scalar_type());
  return gradient_proxy_for(x);
}

ROLEWISE_INLINE torch::autograd::variable_list within_clip::backward(
    torch::autograd::AutogradContext* context, torch::autograd::variable_list gradient)
{
  const auto saved = context->get_saved_variables();
  const auto& z = saved[0];
  const auto& level = saved[1];
  const double lowest = context->saved_data["lowest"].toDouble();
  const auto& g = gradient[0];
  torch::Tensor to_x, to_clip;
  if (context->needs_input_grad(0))
    to_x = context->saved_data["passes_outside"].toBool()
               ? g
               : g * z.ge(lowest).logical_and_(z.le(1)).to(g.scalar_type());
  if (context->needs_input_grad(1)) {
    const auto type = static_cast<torch::ScalarType>(context->saved_data["clip_type"].toInt());
    const auto inside = z.clamp(lowest, 1);
    to_clip = (g * (level - inside.mul(z.eq(inside)))).sum(type);
  }
  return {to_x, to_clip, {}, {}, {}, {}};
}

ROLEWISE_INLINE torch::Tensor gradient_proxy_within_clip(const torch::Tensor& x,
                                                         const torch::Tensor& clip,
                                                         const torch::Tensor& z,
                                                         const torch::Tensor& level, double lowest,
                                                         bool passes_outside)
{
  return within_clip::apply(x, clip, z, level, lowest, passes_outside);
}

}  // namespace rolewise::detail
