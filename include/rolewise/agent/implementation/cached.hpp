// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/cached.hpp>.

#include <rolewise/agent/cached.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE batch probed(const dataset& data, std::int64_t count, std::int64_t first)
{
  const auto places = (at::arange(count, torch::kLong) * data.size())
                          .floor_divide_(count)
                          .add_(first)
                          .remainder_(data.size());
  return subset(data, places).examples();
}

}  // namespace rolewise::detail
