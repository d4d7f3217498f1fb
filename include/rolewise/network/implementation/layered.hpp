// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/layered.hpp>.

#include <rolewise/network/layered.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE std::vector<layer_report> numbered(std::vector<layer_report> layers)
{
  for (std::size_t i = 0; i < layers.size(); ++i) {
    layers[i].place.index = static_cast<std::int64_t>(i);
    layers[i].place.count = static_cast<std::int64_t>(layers.size());
  }
  return layers;
}

}  // namespace rolewise::detail
