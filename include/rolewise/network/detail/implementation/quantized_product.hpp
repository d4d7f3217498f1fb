// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/quantized_product.hpp>.

#include <rolewise/network/detail/quantized_product.hpp>

#include <rolewise/core/autograd_function.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor along_outputs(const torch::Tensor& scale, std::int64_t dimensions)
{
  if (scale.dim() == 0) return scale;
  return dimensions == 2 ? scale.flatten() : scale.view({1, -1, 1, 1});
}

ROLEWISE_INLINE torch::Tensor levels_from_zero(const quantized& x, torch::ScalarType type)
{
  if (x.levels.scalar_type() != type) {
    const auto levels = x.levels.to(type);
    return x.zero_point == 0 ? levels : levels.sub_(x.zero_point);
  }
  return x.zero_point == 0 ? x.levels : x.levels - x.zero_point;
}

ROLEWISE_INLINE torch::Tensor passing_levels(const quantized& x, torch::ScalarType type)
{
  if (x.levels.scalar_type() == type) return levels_from_zero(x, type);
  const auto levels = scratch_copy(x.levels, type);
  return x.zero_point == 0 ? levels : levels.sub_(x.zero_point);
}

ROLEWISE_INLINE void saved_operands::save(torch::autograd::AutogradContext& context) const
{
  context.save_for_backward({x.levels, x.scale, x.offset, w.levels, w.scale});
  context.saved_data["zeros"] = std::vector<std::int64_t>{x.zero_point, w.zero_point};
}

ROLEWISE_INLINE saved_operands saved_operands::of(torch::autograd::AutogradContext& context)
{
  const auto saved = context.get_saved_variables();
  const auto zeros = context.saved_data["zeros"].toIntVector();
  return {{.levels = saved[0], .scale = saved[1], .zero_point = zeros[0], .offset = saved[2]},
          {.levels = saved[3], .scale = saved[4], .zero_point = zeros[1]}};
}

ROLEWISE_INLINE void require_factorable(const quantized& x, const quantized& w)
{
  if (x.scale.defined() && x.scale.dim() != 0)
    throw_invalid_argument("quantized layer",
                           "want one scale for all activations, got one of shape ",
                           x.scale.sizes());
  if (w.offset.defined())
    throw_invalid_argument("quantized layer", "want weights without an offset");
  if (w.scale.defined() && w.scale.dim() != 0 && w.scale.numel() != w.levels.size(0))
    throw_invalid_argument("quantized layer", "want one scale for all weights or one for each of ",
                           w.levels.size(0), " outputs, got one of shape ", w.scale.sizes());
}

/// Autograd function of `quantized_linear_of`.
struct quantized_linear : torch::autograd::Function<quantized_linear> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& in_x,
                               const torch::Tensor&, const quantized& x, const quantized& w,
                               const product_plan& plan);

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient);

 private:
  [[nodiscard]] static torch::Tensor of_floats(const quantized& x, const quantized& w,
                                               torch::ScalarType type);
};

ROLEWISE_INLINE torch::Tensor quantized_linear::forward(torch::autograd::AutogradContext* context,
                                                        const torch::Tensor& in_x,
                                                        const torch::Tensor&, const quantized& x,
                                                        const quantized& w,
                                                        const product_plan& plan)
{
  saved_operands{x, w}.save(*context);
  const auto type = in_x.scalar_type();
  auto y =
      plan.integers.is_integer()
          ? scaled_sums(x, w, plan, 2,
                        [](const byte_product& p) { return integer_operators::found().linear(p); })
          : of_floats(x, w, type);
  if (x.offset.defined()) {
    auto sums = levels_from_zero(w, type).sum(1).mul_(x.offset);
    if (w.scale.defined()) sums.mul_(along_outputs(w.scale, 2));
    y.add_(sums);
  }
  return y;
}

ROLEWISE_INLINE torch::autograd::variable_list quantized_linear::backward(
    torch::autograd::AutogradContext* context, torch::autograd::variable_list gradient)
{
  const auto [x, w] = saved_operands::of(*context);
  const auto type = gradient[0].scalar_type();
  torch::Tensor of_x, of_w;
  if (context->needs_input_grad(0)) of_x = gradient[0].mm(values_of_levels(w, type));
  if (context->needs_input_grad(1)) of_w = gradient[0].t().mm(values_of_levels(x, type));
  return {of_x, of_w, {}, {}, {}};
}

ROLEWISE_INLINE torch::Tensor quantized_linear::of_floats(const quantized& x, const quantized& w,
                                                          torch::ScalarType type)
{
  auto y = at::linear(levels_from_zero(x, type), levels_from_zero(w, type));
  if (const auto scale = product_of_scales(x.scale, w.scale); scale.defined())
    y.mul_(along_outputs(scale, 2));
  return y;
}

ROLEWISE_INLINE torch::Tensor quantized_linear_of(const quantized& x, const quantized& w,
                                                  const product_plan& plan)
{
  return quantized_linear::apply(x.gradient_proxy, w.gradient_proxy, x, w, plan);
}

}  // namespace rolewise::detail
