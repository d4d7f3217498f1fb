// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/transformer_block.hpp>.

#include <rolewise/network/transformer_block.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void require_sizes(std::string_view network, const transformer_shape& shape)
{
  const auto& [width, heads, mlp_ratio, epsilon] = shape;
  if (width < 1 || heads < 1 || mlp_ratio < 1 || width % heads != 0)
    throw_invalid_argument(network, "want a width that is a multiple of the heads, and an MLP ",
                           "ratio above 0, got a width of ", width, ", ", heads,
                           " heads and a ratio of ", mlp_ratio);
}

ROLEWISE_INLINE void refuse_16_bits(std::string_view network, torch::ScalarType type)
{
  if (c10::isReducedFloatingType(type))
    throw_invalid_argument(network, "want single or double precision for a transformer, got ",
                           type);
}

}  // namespace rolewise::detail
