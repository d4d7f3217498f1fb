// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/folded.hpp>.

#include <rolewise/network/detail/folded.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor folded_convolution::operator()(const torch::Tensor& x, bool rectify,
                                                             const torch::Tensor* added) const
{
  const auto [maps, padding] = padded(x, geometry_of(shape, x));
  auto y = at::conv2d(maps, weight, bias, shape.stride, padding);
  if (added) y.add_(*added);
  return rectify ? y.relu_() : y;
}

ROLEWISE_INLINE byte_map max_pooling::operator()(const byte_map& x) const
{
  const auto height = x.codes.size(2), width = x.codes.size(3);
  if (height < 2 || width < 2)
    throw_invalid_argument("max_pooling", "want maps of at least 2 x 2 pixels, got ", height, " x ",
                           width);
  const auto even = [&](std::int64_t axis) { return x.codes.size(axis) / 2 * 2; };
  const auto every_other = [&](std::int64_t row, std::int64_t column) {
    return x.codes.slice(2, row, even(2), 2).slice(3, column, even(3), 2);
  };
  return {at::maximum(at::maximum(every_other(0, 0), every_other(0, 1)),
                      at::maximum(every_other(1, 0), every_other(1, 1))),
          x.grid};
}

}  // namespace rolewise::detail
