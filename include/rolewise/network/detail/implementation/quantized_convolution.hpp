// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/quantized_convolution.hpp>.

#include <rolewise/network/detail/quantized_convolution.hpp>

#include <rolewise/core/autograd_function.hpp>

#include <tuple>

namespace rolewise::detail {

/// Autograd function of `quantized_convolution_of`.
struct quantized_convolution : torch::autograd::Function<quantized_convolution> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& in_x,
                               const torch::Tensor& in_w, const quantized& x, const quantized& w,
                               const convolution_geometry& over, const product_plan& plan);

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient);

 private:
  using gradients = convolution_gradients;

  [[nodiscard]] static torch::Tensor of_integers(const quantized& x, const quantized& w,
                                                 const convolution_geometry& over,
                                                 const product_plan& plan);

  [[nodiscard]] static torch::Tensor of_floats(const quantized& x, const quantized& w,
                                               const convolution_geometry& over,
                                               torch::ScalarType type);

  /// The contribution of the offset of x; the same for each example and, where there are groups,
  /// for all of them.
  [[nodiscard]] static torch::Tensor of_offset(const quantized& x, const quantized& w,
                                               const convolution_geometry& over,
                                               torch::ScalarType type);

  /// The gradient of weights `[O, 1, K, K]` for feature maps of ones.
  [[nodiscard]] static torch::Tensor of_ones(const torch::Tensor& gradient,
                                             const convolution_geometry& over,
                                             const std::array<std::int64_t, 2>& size,
                                             std::int64_t kernel);

  /// Whether a backward pass that may be rounded to bfloat16 is, for values of a type.
  [[nodiscard]] static bool is_rounded(const quantized& x, const quantized& w,
                                       const convolution_geometry& over, torch::ScalarType type);

  /// Gradients of the values of x, and of those of w without the scale and the offset of x.
  [[nodiscard]] static gradients in_full(const torch::Tensor& gradient, const quantized& x,
                                         const quantized& w, const convolution_geometry& over,
                                         torch::ScalarType type, const std::array<bool, 2>& wanted);

  [[nodiscard]] static gradients in_bfloat16(const torch::Tensor& gradient, const quantized& x,
                                             const quantized& w, const convolution_geometry& over,
                                             torch::ScalarType type,
                                             const std::array<bool, 2>& wanted);
};

ROLEWISE_INLINE torch::Tensor quantized_convolution::forward(
    torch::autograd::AutogradContext* context, const torch::Tensor& in_x, const torch::Tensor& in_w,
    const quantized& x, const quantized& w, const convolution_geometry& over,
    const product_plan& plan)
{
  saved_operands{x, w}.save(*context);
  const auto type = in_x.scalar_type();
  context->saved_data["over"] = std::vector<std::int64_t>{
      over.stride,        over.rows.before, over.rows.after, over.columns.before,
      over.columns.after, over.groups,      in_x.size(2),    in_x.size(3)};
  context->saved_data["types"] = std::vector<std::int64_t>{
      static_cast<std::int64_t>(type), static_cast<std::int64_t>(in_w.scalar_type()),
      static_cast<std::int64_t>(plan.backward)};
  auto y = plan.integers.is_integer() ? of_integers(x, w, over, plan) : of_floats(x, w, over, type);
  if (x.offset.defined()) y.add_(of_offset(x, w, over, type));
  return y;
}

ROLEWISE_INLINE torch::autograd::variable_list quantized_convolution::backward(
    torch::autograd::AutogradContext* context, torch::autograd::variable_list gradient)
{
  const auto [x, w] = saved_operands::of(*context);
  const auto at = context->saved_data["over"].toIntVector();
  const convolution_geometry over{at[0], {at[1], at[2]}, {at[3], at[4]}, at[5]};
  const std::array<std::int64_t, 2> size{at[6], at[7]};
  const auto types = context->saved_data["types"].toIntVector();
  const auto type = static_cast<torch::ScalarType>(types[0]);
  const std::array<bool, 2> wanted{context->needs_input_grad(0), context->needs_input_grad(1)};

  const bool rounds = static_cast<pass_precision>(types[2]) == pass_precision::bfloat16 &&
                      is_rounded(x, w, over, type);
  auto [of_x, of_w] = rounds ? in_bfloat16(gradient[0], x, w, over, type, wanted)
                             : in_full(gradient[0], x, w, over, type, wanted);
  if (wanted[0] && of_x.size(2) != size[0]) of_x = of_x.narrow(2, over.rows.before, size[0]);
  if (wanted[0] && of_x.size(3) != size[1]) of_x = of_x.narrow(3, over.columns.before, size[1]);
  if (wanted[1]) {
    if (x.scale.defined()) of_w.mul_(x.scale);
    if (x.offset.defined())
      of_w.add_(of_ones(gradient[0], over, size, of_w.size(2)).mul_(x.offset));
    of_w = of_w.to(static_cast<torch::ScalarType>(types[1]));
  }
  return {of_x, of_w, {}, {}, {}, {}};
}

ROLEWISE_INLINE torch::Tensor quantized_convolution::of_integers(const quantized& x,
                                                                 const quantized& w,
                                                                 const convolution_geometry& over,
                                                                 const product_plan& plan)
{
  return scaled_sums(x, w, plan, 4, [&](byte_product p) {
    std::int64_t padding = 0;
    std::tie(p.x, padding) = padded(p.x, over, p.zero);
    return integer_operators::found().convolution(p, over.stride, padding, over.groups);
  });
}

ROLEWISE_INLINE torch::Tensor quantized_convolution::of_floats(const quantized& x,
                                                               const quantized& w,
                                                               const convolution_geometry& over,
                                                               torch::ScalarType type)
{
  const auto [maps, padding] = padded(passing_levels(x, type), over);
  auto y = at::conv2d(maps, levels_from_zero(w, type), {}, over.stride, padding, 1, over.groups);
  if (const auto scale = product_of_scales(x.scale, w.scale); scale.defined())
    y.mul_(along_outputs(scale, 4));
  return y;
}

ROLEWISE_INLINE torch::Tensor quantized_convolution::of_offset(const quantized& x,
                                                               const quantized& w,
                                                               const convolution_geometry& over,
                                                               torch::ScalarType type)
{
  const auto weights = levels_from_zero(w, type).sum(1, true);
  const auto [ones, padding] =
      padded(at::ones({1, 1, x.levels.size(2), x.levels.size(3)}, weights.options()), over);
  auto sums = at::conv2d(ones, weights, {}, over.stride, padding).mul_(x.offset);
  if (w.scale.defined()) sums.mul_(along_outputs(w.scale, 4));
  return sums;
}

ROLEWISE_INLINE torch::Tensor quantized_convolution::of_ones(
    const torch::Tensor& gradient, const convolution_geometry& over,
    const std::array<std::int64_t, 2>& size, std::int64_t kernel)
{
  const auto [ones, padding] = padded(at::ones({1, 1, size[0], size[1]}, gradient.options()), over);
  const auto weights = at::zeros({gradient.size(1), 1, kernel, kernel}, gradient.options());
  return std::get<1>(gradients_of_convolution(gradient.sum(0, true), ones, weights, over.stride,
                                              padding, 1, {false, true}));
}

ROLEWISE_INLINE bool quantized_convolution::is_rounded(const quantized& x, const quantized& w,
                                                       const convolution_geometry& over,
                                                       torch::ScalarType type)
{
  if (type != torch::kFloat) return true;
  const auto [maps, padding] = padded(x.levels, over);
  return !is_faster_in_single(maps, w.levels.to(torch::kFloat), over.stride, padding);
}

ROLEWISE_INLINE quantized_convolution::gradients quantized_convolution::in_full(
    const torch::Tensor& gradient, const quantized& x, const quantized& w,
    const convolution_geometry& over, torch::ScalarType type, const std::array<bool, 2>& wanted)
{
  auto weights = levels_from_zero(w, type);
  if (w.scale.defined()) weights = (weights * w.scale).to(type);
  const bool are_numbers = x.levels.scalar_type() == torch::kByte && x.zero_point == 0;
  const auto [maps, padding] = padded(are_numbers ? x.levels : passing_levels(x, type), over);
  return gradients_of_convolution(gradient, maps, weights, over.stride, padding, over.groups,
                                  wanted);
}

ROLEWISE_INLINE quantized_convolution::gradients quantized_convolution::in_bfloat16(
    const torch::Tensor& gradient, const quantized& x, const quantized& w,
    const convolution_geometry& over, torch::ScalarType type, const std::array<bool, 2>& wanted)
{
  // Per-output scales multiply the gradient's channels; a single scale is applied at the end.
  const bool per_output = w.scale.defined() && w.scale.dim() != 0;
  const auto levels = levels_from_zero(w, torch::kBFloat16);
  const auto [maps, padding] = padded(passing_levels(x, torch::kBFloat16), over);
  const auto of = [&](const torch::Tensor& incoming, const std::array<bool, 2>& one) {
    return gradients_of_convolution(scratch_copy<scratch_of::gradients>(incoming, torch::kBFloat16),
                                    maps, levels, over.stride, padding, over.groups, one);
  };
  gradients result;
  if (per_output) {
    if (wanted[0]) result[0] = of(gradient * along_outputs(w.scale, 4), {true, false})[0];
    if (wanted[1]) result[1] = of(gradient, {false, true})[1];
  } else {
    result = of(gradient, wanted);
  }
  for (auto& each : result)
    if (each.defined()) each = each.to(type);
  if (wanted[0] && w.scale.defined() && !per_output) result[0].mul_(w.scale);
  return result;
}

ROLEWISE_INLINE torch::Tensor quantized_convolution_of(const quantized& x, const quantized& w,
                                                       const convolution_geometry& over,
                                                       const product_plan& plan)
{
  return quantized_convolution::apply(x.gradient_proxy, w.gradient_proxy, x, w, over, plan);
}

}  // namespace rolewise::detail
