// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Layers for inference only: convolutions with batch norm folded in, and what lies between them.

#include <rolewise/core/tensor.hpp>
#include <rolewise/network/byte_grid.hpp>
#include <rolewise/network/convolution_shape.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/support/inline.hpp>

#include <ATen/ops/addcmul.h>
#include <ATen/ops/max_pool2d.h>

#include <cstdint>
#include <string>

namespace rolewise::detail {

/// The convolution w * x + bias, with batch norm folded into both.
struct folded_convolution {
  std::string name;
  torch::Tensor weight;  ///< `[O, I / groups, K, K]`
  torch::Tensor bias;    ///< `[O]`
  convolution_shape shape;
  layer_kind kind = layer_kind::convolution;

  /// @param added null, or a residual map of the output's shape
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, bool rectify,
                                         const torch::Tensor* added) const;
};

/// Batch norm without a convolution before it, and ReLU: relu(factor x + shift).
struct folded_normalization {
  std::string name;
  torch::Tensor factor, shift;  ///< `[C]`

  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x) const
  {
    return at::addcmul(shift.view({-1, 1, 1}), x, factor.view({-1, 1, 1})).relu_();
  }
};

/// Max pooling over 2 x 2 pixels, or another square window. What is padded is never the largest.
struct max_pooling {
  std::int64_t kernel = 2;
  std::int64_t stride = 2;
  std::int64_t padding = 0;  ///< on every side

  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x) const
  {
    return at::max_pool2d(x, kernel, stride, padding);
  }

  /// LibTorch pools no bytes. Codes have the order of their values.
  /// @throws std::invalid_argument for maps that are smaller than the window with its padding
  [[nodiscard]] byte_map operator()(const byte_map& x) const;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/folded.hpp>
#endif
