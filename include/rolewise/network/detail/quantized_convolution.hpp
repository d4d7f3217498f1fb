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

/// y = x * w of two quantized tensors. Gradients go to the gradient proxies of their values.
///
/// The forward pass multiplies levels, as int8 or in floating point with the same bits, and
/// scales the sum once. Then it adds the contribution of an offset of x: offset times the sum of
/// the weights under each window, which is less at the borders.
///
/// The backward pass in full precision applies the scale of the weights to the weights, which are
/// few, not to the feature maps, which are many. In bfloat16 the levels stay integers, which are
/// exact up to 256, and the results are scaled.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor quantized_convolution_of(
    const quantized& x, const quantized& w, const convolution_geometry& over,
    const product_plan& plan);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/quantized_convolution.hpp>
#endif
