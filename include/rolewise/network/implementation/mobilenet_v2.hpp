// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/mobilenet_v2.hpp>.

#include <rolewise/network/mobilenet_v2.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE void check(const mobilenet_v2_plan& plan)
{
  if (!std::isfinite(plan.width) || channels_of(plan, mobilenet_v2_channels.front()) < 1)
    throw_invalid_argument(plan.name, "want a width of at least 1/", mobilenet_v2_channels.front(),
                           ", which leaves the first row a channel, got ", plan.width);
  if (plan.expansion < 1 || plan.head < 1 ||
      std::ranges::any_of(plan.blocks, [](auto count) { return count < 1; }))
    throw_invalid_argument(plan.name, "want an expansion, channels of the head and blocks of each ",
                           "row above 0, got ", plan.expansion, ", ", plan.head, " and ",
                           at::IntArrayRef{plan.blocks});
}

ROLEWISE_INLINE std::int64_t positions_of(const mobilenet_v2_plan& plan, map_size image,
                                          std::size_t entry, std::size_t index)
{
  const auto rows = plan.blocks.size();
  if (entry > rows + 1) return 1;  // the classifier
  auto size = image.halved();
  for (std::size_t r = 0; r < std::min(entry, rows); ++r) {
    // The first layer of a row, its expansion, has the size of the row before.
    const bool expands = r + 1 == entry && index == 0;
    if (mobilenet_v2_strides[r] == 2 && !expands) size = size.halved();
  }
  return size.pixels();
}

}  // namespace rolewise::detail
