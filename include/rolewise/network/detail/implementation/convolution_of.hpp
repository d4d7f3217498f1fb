// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/convolution_of.hpp>.

#include <rolewise/network/detail/convolution_of.hpp>

#include <rolewise/core/autograd_function.hpp>

#include <ATen/ops/convolution_backward.h>

#include <optional>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor product_of(const torch::Tensor& x, const torch::Tensor& w,
                                         std::int64_t stride, std::int64_t padding,
                                         std::int64_t groups)
{
  if (groups == 1 && fits_winograd(x, w, stride, padding))
    return winograd_product(x, filters_of(w, w.const_data_ptr<float>()), winograd_tile(x));
  return at::conv2d(x, w, {}, stride, padding, 1, groups);
}

ROLEWISE_INLINE convolution_gradients
gradients_of_convolution(const torch::Tensor& gradient, const torch::Tensor& maps,
                         const torch::Tensor& weights, std::int64_t stride, std::int64_t padding,
                         std::int64_t groups, const std::array<bool, 2>& wanted)
{
  if (groups == 1 && !at::GradMode::is_enabled() && gradient.scalar_type() == torch::kFloat &&
      fits_winograd(maps, weights, stride, padding)) {
    const auto g = gradient.contiguous(torch::MemoryFormat::ChannelsLast);
    const auto tile = winograd_tile(maps);
    convolution_gradients found;
    if (wanted[0])
      found[0] =
          winograd_product(g, turned(filters_of(weights, weights.const_data_ptr<float>())), tile);
    if (wanted[1]) found[1] = winograd_weight_gradient(g, maps, weights, tile);
    return found;
  }
  const auto numbers =
      maps.scalar_type() == torch::kByte ? scratch_copy(maps, gradient.scalar_type()) : maps;
  auto [of_x, of_w, none] = at::convolution_backward(
      gradient, numbers, weights, std::nullopt, {stride, stride}, {padding, padding}, {1, 1}, false,
      {0, 0}, groups, {wanted[0], wanted[1], false});
  return {std::move(of_x), std::move(of_w)};
}

/// Autograd function x * w of float32, with products in full precision or in bfloat16. With
/// `create_graph`, the backward pass is in single precision.
struct graph_convolution : torch::autograd::Function<graph_convolution> {
  /// The forward product, without autograd.
  [[nodiscard]] static torch::Tensor product(const torch::Tensor& x, const torch::Tensor& w,
                                             std::int64_t stride, std::int64_t padding,
                                             std::int64_t groups, pass_precision forward);

  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& w, std::int64_t stride, std::int64_t padding,
                               std::int64_t groups, const pass_precisions& precision);

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient);
};

ROLEWISE_INLINE torch::Tensor graph_convolution::product(const torch::Tensor& x,
                                                         const torch::Tensor& w,
                                                         std::int64_t stride, std::int64_t padding,
                                                         std::int64_t groups,
                                                         pass_precision forward)
{
  if (forward == pass_precision::full || is_faster_in_single(x, w, stride, padding))
    return product_of(x, w, stride, padding, groups);
  return at::conv2d(scratch_copy<scratch_of::maps>(x, torch::kBFloat16), w.to(torch::kBFloat16), {},
                    stride, padding, 1, groups)
      .to(torch::kFloat);
}

ROLEWISE_INLINE torch::Tensor graph_convolution::forward(torch::autograd::AutogradContext* context,
                                                         const torch::Tensor& x,
                                                         const torch::Tensor& w,
                                                         std::int64_t stride, std::int64_t padding,
                                                         std::int64_t groups,
                                                         const pass_precisions& precision)
{
  context->save_for_backward({x, w});
  context->saved_data["over"] = std::vector<std::int64_t>{
      stride, padding, groups, static_cast<std::int64_t>(precision.backward)};
  return product(x, w, stride, padding, groups, precision.forward);
}

ROLEWISE_INLINE torch::autograd::variable_list graph_convolution::backward(
    torch::autograd::AutogradContext* context, torch::autograd::variable_list gradient)
{
  const auto saved = context->get_saved_variables();
  const auto over = context->saved_data["over"].toIntVector();
  const std::array<bool, 2> wanted{context->needs_input_grad(0), context->needs_input_grad(1)};
  const auto of = [&](const torch::Tensor& g, const torch::Tensor& x, const torch::Tensor& w) {
    return gradients_of_convolution(g, x, w, over[0], over[1], over[2], wanted);
  };
  const bool in_full = static_cast<pass_precision>(over[3]) == pass_precision::full ||
                       is_faster_in_single(saved[0], saved[1], over[0], over[1]);
  auto found = in_full || at::GradMode::is_enabled()
                   ? of(gradient[0], saved[0], saved[1])
                   : of(scratch_copy<scratch_of::gradients>(gradient[0], torch::kBFloat16),
                        scratch_copy<scratch_of::maps>(saved[0], torch::kBFloat16),
                        saved[1].to(torch::kBFloat16));
  for (auto& each : found)
    if (each.defined()) each = each.to(torch::kFloat);
  return {found[0], found[1], {}, {}, {}, {}};
}

ROLEWISE_INLINE torch::Tensor convolution_of(const torch::Tensor& x, const torch::Tensor& w,
                                             const convolution_geometry& over,
                                             const pass_precisions& precision)
{
  const auto [maps, padding] = padded(x, over);
  const bool in_full =
      (precision.forward == pass_precision::full && precision.backward == pass_precision::full) ||
      maps.scalar_type() != torch::kFloat || w.scalar_type() != torch::kFloat;
  if (in_full && !fits_winograd(maps, w, over.stride, padding))
    return at::conv2d(maps, w, {}, over.stride, padding, 1, over.groups);
  const bool has_graph = at::GradMode::is_enabled() && (maps.requires_grad() || w.requires_grad());
  return has_graph ? graph_convolution::apply(maps, w, over.stride, padding, over.groups, precision)
                   : graph_convolution::product(maps, w, over.stride, padding, over.groups,
                                                precision.forward);
}

}  // namespace rolewise::detail
