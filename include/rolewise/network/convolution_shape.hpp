// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The shape of a convolution, its padding rule and whether it has a bias.

#include <rolewise/network/detail/convolution_geometry.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace rolewise {

/// Where the zeros lie that a convolution adds around a map.
enum class padding_rule {
  symmetric,  ///< kernel / 2 on every side
  same,       ///< TensorFlow's SAME: ceil(size / stride) outputs, the odd pixel at bottom and right
  none        ///< no zeros: the kernel stays within the map
};

/// The shape of a convolution: channels, kernel, stride, padding, bias, groups.
///
/// With `groups` above 1, input and output channels are divided into that many groups of equal
/// size, in order, and each group of outputs reads its group of inputs alone. As many groups as
/// input channels make a depthwise convolution.
struct convolution_shape {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  padding_rule padding = padding_rule::symmetric;
  bool bias = false;
  std::int64_t groups = 1;

  /// The input channels that an output channel reads.
  [[nodiscard]] constexpr std::int64_t in_of_group() const { return in / groups; }
  /// The number of weights of an output channel: the products of each sum.
  [[nodiscard]] constexpr std::int64_t fan_in() const { return in_of_group() * kernel * kernel; }
};

namespace detail {

[[nodiscard]] constexpr margins same_padding(std::int64_t size, std::int64_t kernel,
                                             std::int64_t stride)
{
  const auto outputs = (size + stride - 1) / stride;
  const auto all = std::max<std::int64_t>((outputs - 1) * stride + kernel - size, 0);
  return {all / 2, all - all / 2};
}

/// The shape itself.
/// @throws std::invalid_argument unless the numbers of channels are multiples of that of the groups
[[nodiscard]] ROLEWISE_INLINE convolution_shape with_right_groups(std::string_view layer,
                                                                  const convolution_shape& shape);

/// Stride, padding and groups of a convolution of this shape on `x`.
[[nodiscard]] ROLEWISE_INLINE convolution_geometry geometry_of(const convolution_shape& shape,
                                                               const torch::Tensor& x);

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/convolution_shape.hpp>
#endif
