// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/folded.hpp>.

#include <rolewise/network/detail/folded.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/constant_pad_nd.h>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor folded_convolution::operator()(const torch::Tensor& x, bool rectify,
                                                             const torch::Tensor* added) const
{
  const auto [maps, padding] = padded(x, geometry_of(shape, x));
  auto y = at::conv2d(maps, weight, bias, shape.stride, padding, 1, shape.groups);
  if (added) y.add_(*added);
  return rectify ? y.relu_() : y;
}

ROLEWISE_INLINE byte_map max_pooling::operator()(const byte_map& x) const
{
  const auto height = x.codes.size(2), width = x.codes.size(3), least = kernel - 2 * padding;
  if (height < least || width < least)
    throw_invalid_argument("max_pooling", "want maps of at least ", least, " x ", least,
                           " pixels, got ", height, " x ", width);
  // 0 is the smallest code.
  const auto codes = padding == 0
                         ? x.codes
                         : at::constant_pad_nd(x.codes, {padding, padding, padding, padding}, 0);
  const auto strided = [&](const torch::Tensor& map, std::int64_t axis, std::int64_t first) {
    const auto steps = (map.size(axis) - kernel) / stride;
    return map.slice(axis, first, first + steps * stride + 1, stride);
  };
  torch::Tensor largest;
  for (std::int64_t row = 0; row < kernel; ++row)
    for (std::int64_t column = 0; column < kernel; ++column) {
      const auto each = strided(strided(codes, 2, row), 3, column);
      largest = largest.defined() ? at::maximum(largest, each) : each;
    }
  return {largest, x.grid};
}

}  // namespace rolewise::detail
