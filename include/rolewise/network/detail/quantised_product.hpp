// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Convolutions and matrix products of levels, with the gradient of the values.

#include <rolewise/core/error.hpp>
#include <rolewise/quant/quantised.hpp>

#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <cstdint>
#include <utility>

namespace rolewise::detail {

/// Zeros at the two sides of one axis.
struct margins {
  std::int64_t before = 0;
  std::int64_t after = 0;

  friend constexpr bool operator==(const margins&, const margins&) = default;
};

/// How a convolution goes over its input.
struct convolution_geometry {
  std::int64_t stride = 1;
  margins rows;
  margins columns;
};

/// The product of two scales, either of which may be undefined (1).
[[nodiscard]] inline torch::Tensor product_of_scales(const torch::Tensor& a, const torch::Tensor& b)
{
  if (!a.defined()) return b;
  return b.defined() ? a * b : a;
}

/// A scale of weights, 0-dimensional or `[O, 1, ...]`, as it multiplies an output whose channels
/// are axis 1 of `dimensions`.
[[nodiscard]] inline torch::Tensor along_outputs(const torch::Tensor& scale,
                                                 std::int64_t dimensions)
{
  if (scale.dim() == 0) return scale;
  return dimensions == 2 ? scale.flatten() : scale.view({1, -1, 1, 1});
}

/// Levels with the zero point at 0, in a floating type: what padding with 0 pads with the value 0.
[[nodiscard]] inline torch::Tensor levels_from_zero(const quantised& x, torch::ScalarType type)
{
  const auto levels = x.levels.scalar_type() == type ? x.levels : x.levels.to(type);
  return x.zero_point == 0 ? levels : levels - x.zero_point;
}

/// `x` with zeros around it, if any are wanted that a convolution cannot add itself.
[[nodiscard]] inline std::pair<torch::Tensor, std::int64_t> padded(const torch::Tensor& x,
                                                                   const convolution_geometry& over)
{
  const auto& [stride, rows, columns] = over;
  if (rows == columns && rows.before == rows.after) return {x, rows.before};
  return {at::constant_pad_nd(x, {columns.before, columns.after, rows.before, rows.after}), 0};
}

/// What both operands of a product are, for its backward pass; offsets of weights are not known.
struct saved_operands {
  quantised x;
  quantised w;

  void save(torch::autograd::AutogradContext& context) const
  {
    context.save_for_backward({x.levels, x.scale, x.offset, w.levels, w.scale});
    context.saved_data["x_zero"] = x.zero_point;
    context.saved_data["w_zero"] = w.zero_point;
  }
  [[nodiscard]] static saved_operands of(torch::autograd::AutogradContext& context)
  {
    const auto saved = context.get_saved_variables();
    return {{.levels = saved[0],
             .scale = saved[1],
             .zero_point = context.saved_data["x_zero"].toInt(),
             .offset = saved[2]},
            {.levels = saved[3],
             .scale = saved[4],
             .zero_point = context.saved_data["w_zero"].toInt()}};
  }
};

/// y = x * w of two quantised tensors. The gradient goes to the stand-ins of their values.
///
/// Forward the levels are multiplied and the sum is scaled once, then what an offset of x adds is
/// added: offset times the sum of the weights under each window, which is less at the borders.
/// Backward the scale of the weights is put on the weights, which are few, not on the maps, which
/// are many.
struct quantised_convolution : torch::autograd::Function<quantised_convolution> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& in_x,
                               const torch::Tensor& in_w, const quantised& x, const quantised& w,
                               const convolution_geometry& over)
  {
    saved_operands{x, w}.save(*context);
    context->saved_data["over"] = std::vector<std::int64_t>{
        over.stride,        over.rows.before, over.rows.after, over.columns.before,
        over.columns.after, in_x.size(2),     in_x.size(3)};
    const auto type = in_x.scalar_type();
    context->saved_data["types"] = std::vector<std::int64_t>{
        static_cast<std::int64_t>(type), static_cast<std::int64_t>(in_w.scalar_type())};
    const auto weights = levels_from_zero(w, type);
    const auto [maps, padding] = padded(levels_from_zero(x, type), over);
    auto y = at::conv2d(maps, weights, {}, over.stride, padding);
    if (const auto scale = product_of_scales(x.scale, w.scale); scale.defined())
      y.mul_(along_outputs(scale, 4));
    if (x.offset.defined()) {
      const auto [ones, by] =
          padded(at::ones({1, in_x.size(1), in_x.size(2), in_x.size(3)}, weights.options()), over);
      auto sums = at::conv2d(ones, weights, {}, over.stride, by).mul_(x.offset);
      if (w.scale.defined()) sums.mul_(along_outputs(w.scale, 4));
      y.add_(sums);
    }
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient)
  {
    const auto [x, w] = saved_operands::of(*context);
    const auto over_numbers = context->saved_data["over"].toIntVector();
    const convolution_geometry over{
        over_numbers[0], {over_numbers[1], over_numbers[2]}, {over_numbers[3], over_numbers[4]}};
    const auto types = context->saved_data["types"].toIntVector();
    const auto type = static_cast<torch::ScalarType>(types[0]);
    const bool of_x = context->needs_input_grad(0), of_w = context->needs_input_grad(1);

    auto weights = levels_from_zero(w, type);
    if (w.scale.defined()) weights = (weights * w.scale).to(type);
    const bool shifted = x.offset.defined();
    const auto [maps, padding] =
        padded(shifted ? values_of_levels(x, type) : levels_from_zero(x, type), over);
    auto [gradient_x, gradient_w, none] = at::convolution_backward(
        gradient[0], maps, weights, std::nullopt, {over.stride, over.stride}, {padding, padding},
        {1, 1}, false, {0, 0}, 1, {of_x, of_w, false});
    if (of_x && gradient_x.size(2) != over_numbers[5])
      gradient_x = gradient_x.narrow(2, over.rows.before, over_numbers[5]);
    if (of_x && gradient_x.size(3) != over_numbers[6])
      gradient_x = gradient_x.narrow(3, over.columns.before, over_numbers[6]);
    if (of_w && !shifted && x.scale.defined())
      gradient_w = gradient_w * x.scale.to(gradient_w.scalar_type());
    if (of_w) gradient_w = gradient_w.to(static_cast<torch::ScalarType>(types[1]));
    return {gradient_x, gradient_w, {}, {}, {}};
  }
};

/// The same for vectors `[N, D]` and weights `[O, D]`.
struct quantised_linear : torch::autograd::Function<quantised_linear> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& in_x,
                               const torch::Tensor&, const quantised& x, const quantised& w)
  {
    saved_operands{x, w}.save(*context);
    const auto type = in_x.scalar_type();
    const auto weights = levels_from_zero(w, type);
    auto y = at::linear(levels_from_zero(x, type), weights);
    if (const auto scale = product_of_scales(x.scale, w.scale); scale.defined())
      y.mul_(along_outputs(scale, 2));
    if (x.offset.defined()) {
      auto sums = weights.sum(1).mul_(x.offset);
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
    torch::Tensor gradient_x, gradient_w;
    if (context->needs_input_grad(0)) gradient_x = gradient[0].mm(values_of_levels(w, type));
    if (context->needs_input_grad(1)) gradient_w = gradient[0].t().mm(values_of_levels(x, type));
    return {gradient_x, gradient_w, {}, {}};
  }
};

/// A layer's product has one scale for its input, as sums over channels cannot be scaled apart.
inline void require_factorable(const quantised& x, const quantised& w)
{
  if (x.scale.defined() && x.scale.dim() != 0)
    refuse("quantised layer", "want one scale for all activations, got one of shape ",
           x.scale.sizes());
  if (w.offset.defined()) refuse("quantised layer", "want weights without an offset");
  if (w.scale.defined() && w.scale.dim() != 0 && w.scale.numel() != w.levels.size(0))
    refuse("quantised layer", "want one scale for all weights or one for each of ",
           w.levels.size(0), " outputs, got one of shape ", w.scale.sizes());
}

}  // namespace rolewise::detail
