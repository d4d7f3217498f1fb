// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/lenet.hpp>.

#include <rolewise/network/lenet.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>

namespace rolewise::detail {

ROLEWISE_INLINE void check_lenet(const lenet_plan& plan, const sample_shape& shape)
{
  if (std::min({plan.channels[0], plan.channels[1], plan.hidden[0], plan.hidden[1]}) < 1)
    throw_invalid_argument(plan.name, "want channels and hidden widths above 0, got ",
                           at::IntArrayRef{plan.channels}, " and ", at::IntArrayRef{plan.hidden});
  if (std::min(shape.height, shape.width) < 16)
    throw_invalid_argument(plan.name, "want images of at least 16 x 16 pixels, got ", shape.height,
                           " x ", shape.width);
}

ROLEWISE_INLINE void require_lenet_images(const std::string& name, const torch::Tensor& images,
                                          const sample_shape& shape)
{
  if (images.size(2) != shape.height || images.size(3) != shape.width)
    throw_invalid_argument(name, "want images of ", shape.height, " x ", shape.width,
                           " pixels, for its hidden layers, got ", images.size(2), " x ",
                           images.size(3));
}

}  // namespace rolewise::detail
