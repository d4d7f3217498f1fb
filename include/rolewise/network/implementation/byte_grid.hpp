// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/byte_grid.hpp>.

#include <rolewise/network/byte_grid.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>

namespace rolewise {

ROLEWISE_INLINE byte_grid byte_grid::over(double lowest, double highest)
{
  if (!std::isfinite(lowest) || !std::isfinite(highest) || lowest > highest)
    throw_invalid_argument("byte_grid", "want a finite range in order, got ", lowest, " .. ",
                           highest);
  const double from = std::min(lowest, 0.0), to = std::max(highest, 0.0);
  const double scale = (to - from) / 255;
  if (!std::isnormal(static_cast<float>(scale))) return {};
  return {scale, static_cast<std::int64_t>(std::lround(-from / scale))};
}

ROLEWISE_INLINE torch::Tensor byte_map::values() const
{
  auto x = codes.to(torch::kFloat);
  if (grid.zero != 0) x.sub_(grid.zero);
  return x.mul_(grid.scale);
}

}  // namespace rolewise
