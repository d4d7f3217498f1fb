// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Products of quantized levels with the gradient of the values: common parts, and the linear
/// product.

#include <rolewise/core/autograd.hpp>
#include <rolewise/network/detail/integer_plan.hpp>
#include <rolewise/network/detail/scratch.hpp>
#include <rolewise/network/pass_precision.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/support/error.hpp>

#include <cstdint>
#include <vector>

namespace rolewise::detail {

/// The product of two scales; an undefined one is 1.
[[nodiscard]] inline torch::Tensor product_of_scales(const torch::Tensor& a, const torch::Tensor& b)
{
  if (!a.defined()) return b;
  return b.defined() ? a * b : a;
}

/// A scale of weights, 0-dimensional or `[O, 1, ...]`, reshaped to broadcast over an output with
/// `dimensions` axes, whose channels are axis 1.
[[nodiscard]] inline torch::Tensor along_outputs(const torch::Tensor& scale,
                                                 std::int64_t dimensions)
{
  if (scale.dim() == 0) return scale;
  return dimensions == 2 ? scale.flatten() : scale.view({1, -1, 1, 1});
}

/// Levels minus the zero point, in a floating type, so that padding with 0 pads with the value 0.
[[nodiscard]] inline torch::Tensor levels_from_zero(const quantized& x, torch::ScalarType type)
{
  if (x.levels.scalar_type() != type) {
    const auto levels = x.levels.to(type);
    return x.zero_point == 0 ? levels : levels.sub_(x.zero_point);
  }
  return x.zero_point == 0 ? x.levels : x.levels - x.zero_point;
}

/// The same for feature maps, in scratch memory if their dtype differs; not to be stored.
[[nodiscard]] inline torch::Tensor passing_levels(const quantized& x, torch::ScalarType type)
{
  if (x.levels.scalar_type() == type) return levels_from_zero(x, type);
  const auto levels = scratch_copy(x.levels, type);
  return x.zero_point == 0 ? levels : levels.sub_(x.zero_point);
}

/// How a layer multiplies: arithmetic, packed weights, precision of the backward pass.
struct product_plan {
  integer_plan integers{};
  torch::Tensor packed{};  ///< packed weights, if arithmetic is integer
  pass_precision backward = pass_precision::full;
};

/// Sums of products of levels, times the product of the scales. `multiply` takes a `byte_product`
/// and returns its scaled sums.
template<typename Multiply>
[[nodiscard]] torch::Tensor scaled_sums(const quantized& x, const quantized& w,
                                        const product_plan& plan, std::int64_t dimensions,
                                        const Multiply& multiply)
{
  const auto scale = product_of_scales(x.scale, w.scale);
  const bool at_once = scale.defined() && scale.scalar_type() == torch::kFloat &&
                       integer_forward_support().scales_exactly;
  auto y = multiply(byte_product{codes_of_inputs(x.levels, plan.integers.shift), plan.integers.zero,
                                 plan.packed,
                                 at_once ? scale.reshape({-1}) : at::ones(1, torch::kFloat)});
  if (scale.defined() && !at_once) y.mul_(along_outputs(scale, dimensions));
  return y;
}

/// The operands, saved for the backward pass; weights have no offset.
struct saved_operands {
  quantized x;
  quantized w;

  void save(torch::autograd::AutogradContext& context) const
  {
    context.save_for_backward({x.levels, x.scale, x.offset, w.levels, w.scale});
    context.saved_data["zeros"] = std::vector<std::int64_t>{x.zero_point, w.zero_point};
  }
  [[nodiscard]] static saved_operands of(torch::autograd::AutogradContext& context)
  {
    const auto saved = context.get_saved_variables();
    const auto zeros = context.saved_data["zeros"].toIntVector();
    return {{.levels = saved[0], .scale = saved[1], .zero_point = zeros[0], .offset = saved[2]},
            {.levels = saved[3], .scale = saved[4], .zero_point = zeros[1]}};
  }
};

/// Checks that scales factor out of the sums over channels: one scale for activations, one or one
/// per output for weights, which have no offset.
/// @throws std::invalid_argument otherwise
inline void require_factorable(const quantized& x, const quantized& w)
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

/// Autograd function y = x w^T for vectors `[N, D]` and weights `[O, D]`. Gradients go to the
/// gradient proxies of their values; the backward pass is small and always in full precision.
struct quantized_linear : torch::autograd::Function<quantized_linear> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& in_x,
                               const torch::Tensor&, const quantized& x, const quantized& w,
                               const product_plan& plan)
  {
    saved_operands{x, w}.save(*context);
    const auto type = in_x.scalar_type();
    auto y = plan.integers.is_integer() ? scaled_sums(x, w, plan, 2,
                                                      [](const byte_product& p) {
                                                        return integer_operators::found().linear(p);
                                                      })
                                        : of_floats(x, w, type);
    if (x.offset.defined()) {
      auto sums = levels_from_zero(w, type).sum(1).mul_(x.offset);
      if (w.scale.defined()) sums.mul_(along_outputs(w.scale, 2));
      y.add_(sums);
    }
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient)
  {
    const auto [x, w] = saved_operands::of(*context);
    const auto type = gradient[0].scalar_type();
    torch::Tensor of_x, of_w;
    if (context->needs_input_grad(0)) of_x = gradient[0].mm(values_of_levels(w, type));
    if (context->needs_input_grad(1)) of_w = gradient[0].t().mm(values_of_levels(x, type));
    return {of_x, of_w, {}, {}, {}};
  }

 private:
  [[nodiscard]] static torch::Tensor of_floats(const quantized& x, const quantized& w,
                                               torch::ScalarType type)
  {
    auto y = at::linear(levels_from_zero(x, type), levels_from_zero(w, type));
    if (const auto scale = product_of_scales(x.scale, w.scale); scale.defined())
      y.mul_(along_outputs(scale, 2));
    return y;
  }
};

}  // namespace rolewise::detail
