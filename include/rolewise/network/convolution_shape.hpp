// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The shape of a convolution, its padding rule and whether it has a bias.

#include <rolewise/network/detail/convolution_geometry.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstdint>

namespace rolewise {

/// Where the zeros lie that a convolution adds around a map.
enum class padding_rule {
  symmetric,  ///< kernel / 2 on every side
  same        ///< TensorFlow's SAME: ceil(size / stride) outputs, the odd pixel at bottom and right
};

/// The shape of a convolution: channels, kernel, stride, padding, bias.
struct convolution_shape {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  padding_rule padding = padding_rule::symmetric;
  bool bias = false;
};

namespace detail {

[[nodiscard]] constexpr margins same_padding(std::int64_t size, std::int64_t kernel,
                                             std::int64_t stride)
{
  const auto outputs = (size + stride - 1) / stride;
  const auto all = std::max<std::int64_t>((outputs - 1) * stride + kernel - size, 0);
  return {all / 2, all - all / 2};
}

/// Stride and padding of a convolution of this shape on `x`.
[[nodiscard]] ROLEWISE_INLINE convolution_geometry geometry_of(const convolution_shape& shape,
                                                               const torch::Tensor& x);

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/convolution_shape.hpp>
#endif
