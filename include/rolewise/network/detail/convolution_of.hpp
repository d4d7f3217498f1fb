// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Convolutions of tensors and their gradients, in full precision or in bfloat16.

#include <rolewise/core/tensor.hpp>
#include <rolewise/network/detail/convolution_geometry.hpp>
#include <rolewise/network/detail/scratch.hpp>
#include <rolewise/network/detail/winograd.hpp>
#include <rolewise/network/pass_precision.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Gradients with respect to the feature maps and the weights.
using convolution_gradients = std::array<torch::Tensor, 2>;

/// x * w by the fastest implementation, without autograd.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor product_of(const torch::Tensor& x,
                                                       const torch::Tensor& w, std::int64_t stride,
                                                       std::int64_t padding,
                                                       std::int64_t groups = 1);

/// The gradients of a convolution; by LibTorch alone if they must be differentiable themselves.
/// @param maps in the type of the gradient, or in bytes
/// @param wanted which of them to compute; the other is undefined
[[nodiscard]] ROLEWISE_INLINE convolution_gradients
gradients_of_convolution(const torch::Tensor& gradient, const torch::Tensor& maps,
                         const torch::Tensor& weights, std::int64_t stride, std::int64_t padding,
                         std::int64_t groups, const std::array<bool, 2>& wanted);

/// Differentiable x * w of floating-point tensors.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor convolution_of(const torch::Tensor& x,
                                                           const torch::Tensor& w,
                                                           const convolution_geometry& over,
                                                           const pass_precisions& precision);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/convolution_of.hpp>
#endif
