// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/convolution_shape.hpp>.

#include <rolewise/network/convolution_shape.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE convolution_geometry geometry_of(const convolution_shape& shape,
                                                 const torch::Tensor& x)
{
  if (shape.padding == padding_rule::symmetric) {
    const margins around{shape.kernel / 2, shape.kernel / 2};
    return {shape.stride, around, around};
  }
  return {shape.stride, same_padding(x.size(2), shape.kernel, shape.stride),
          same_padding(x.size(3), shape.kernel, shape.stride)};
}

}  // namespace rolewise::detail
