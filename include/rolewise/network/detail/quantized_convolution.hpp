// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Convolution of quantized levels, with the gradient of the values.

#include <rolewise/network/detail/convolution_geometry.hpp>
#include <rolewise/network/detail/convolution_of.hpp>
#include <rolewise/network/detail/quantized_product.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Autograd function y = x * w of two quantized tensors. Gradients go to the gradient proxies of
/// their values.
///
/// The forward pass multiplies levels, as int8 or in floating point with the same bits, and
/// scales the sum once. Then it adds the contribution of an offset of x: offset times the sum of
/// the weights under each window, which is less at the borders.
///
/// The backward pass in full precision applies the scale of the weights to the weights, which are
/// few, not to the feature maps, which are many. In bfloat16 the levels stay integers, which are
/// exact up to 256, and the results are scaled.
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

  /// The contribution of the offset of x; the same for each example.
  [[nodiscard]] static torch::Tensor of_offset(const quantized& x, const quantized& w,
                                               const convolution_geometry& over,
                                               torch::ScalarType type);

  /// The gradient of weights `[O, 1, K, K]` for feature maps of ones.
  [[nodiscard]] static torch::Tensor of_ones(const torch::Tensor& gradient,
                                             const convolution_geometry& over,
                                             const std::array<std::int64_t, 2>& size,
                                             std::int64_t kernel);

  /// Whether a backward pass that may be rounded to bfloat16 is.
  [[nodiscard]] static bool is_rounded(const quantized& x, const quantized& w,
                                       const convolution_geometry& over);

  /// Gradients of the values of x, and of those of w without the scale and the offset of x.
  [[nodiscard]] static gradients in_full(const torch::Tensor& gradient, const quantized& x,
                                         const quantized& w, const convolution_geometry& over,
                                         torch::ScalarType type, const std::array<bool, 2>& wanted);

  [[nodiscard]] static gradients in_bfloat16(const torch::Tensor& gradient, const quantized& x,
                                             const quantized& w, const convolution_geometry& over,
                                             torch::ScalarType type,
                                             const std::array<bool, 2>& wanted);
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/quantized_convolution.hpp>
#endif
