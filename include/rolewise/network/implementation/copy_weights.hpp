// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/copy_weights.hpp>.

#include <rolewise/network/copy_weights.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void copy_leading_slice(const torch::Tensor& from, torch::Tensor to)
{
  auto source = from;
  for (std::int64_t axis = 0; axis < from.dim(); ++axis) {
    const auto length = std::min(source.size(axis), to.size(axis));
    source = source.narrow(axis, 0, length);
    to = to.narrow(axis, 0, length);
  }
  to.copy_(source);
}

}  // namespace rolewise::detail
