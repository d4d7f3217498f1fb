// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/window_magnitude.hpp>.

#include <rolewise/network/window_magnitude.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/avg_pool2d.h>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor window_magnitude(const torch::Tensor& x,
                                               const convolution_shape& shape)
{
  if (x.dim() != 4 || x.size(1) != shape.in)
    throw_invalid_argument("window_magnitude", "want maps of ", shape.in, " channels, [N, ",
                           shape.in, ", H, W], got ", x.sizes());
  if (shape.groups != 1)
    throw_invalid_argument("window_magnitude", "want a convolution without groups, which have ",
                           "magnitudes of their own, got ", shape.groups, " groups");
  const auto magnitude = x.abs().mean(1, true);
  const auto [maps, padding] = detail::padded(magnitude, detail::geometry_of(shape, magnitude));
  return at::avg_pool2d(maps, {shape.kernel, shape.kernel}, {shape.stride, shape.stride},
                        {padding, padding});
}

}  // namespace rolewise
