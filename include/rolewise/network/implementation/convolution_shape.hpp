// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/convolution_shape.hpp>.

#include <rolewise/network/convolution_shape.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE convolution_shape with_right_groups(std::string_view layer,
                                                    const convolution_shape& shape)
{
  if (const auto groups = shape.groups;
      groups < 1 || shape.in % groups != 0 || shape.out % groups != 0)
    throw_invalid_argument(layer, "want input and output channels in groups of equal size, got ",
                           shape.in, " and ", shape.out, " channels in ", groups, " groups");
  return shape;
}

ROLEWISE_INLINE convolution_geometry geometry_of(const convolution_shape& shape,
                                                 const torch::Tensor& x)
{
  if (shape.padding != padding_rule::same) {
    const auto zeros = shape.padding == padding_rule::none ? 0 : shape.kernel / 2;
    const margins around{zeros, zeros};
    return {shape.stride, around, around, shape.groups};
  }
  return {shape.stride, same_padding(x.size(2), shape.kernel, shape.stride),
          same_padding(x.size(3), shape.kernel, shape.stride), shape.groups};
}

}  // namespace rolewise::detail
