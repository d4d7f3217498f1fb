// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/network_options.hpp>.

#include <rolewise/network/network_options.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void require_shape(std::string_view network, const sample_shape& shape)
{
  if (shape.channels < 1 || shape.height < 1 || shape.width < 1 || shape.classes < 1)
    throw_invalid_argument(network, "want channels, height, width and classes above 0, got ",
                           shape.channels, ", ", shape.height, ", ", shape.width, " and ",
                           shape.classes);
}

ROLEWISE_INLINE void require_images(std::string_view network, const torch::Tensor& x,
                                    std::int64_t channels)
{
  if (x.size(1) != channels)
    throw_invalid_argument(network, "want images of ", channels, " channels, got ", x.sizes());
}

ROLEWISE_INLINE torch::Tensor pooled(const torch::Tensor& x)
{
  const auto type = c10::isReducedFloatingType(x.scalar_type()) ? torch::kFloat : x.scalar_type();
  return x.mean(at::IntArrayRef{2, 3}, false, type);
}

}  // namespace rolewise::detail
