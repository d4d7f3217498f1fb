// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/range_drift.hpp>.

#include <rolewise/train/range_drift.hpp>

#include <cmath>

namespace rolewise {

ROLEWISE_INLINE std::vector<named_number> range_history::drifts() const
{
  std::vector<named_number> found;
  for (std::size_t i = 0; i < names.size(); ++i)
    found.push_back({names[i], rows.empty() ? not_there : rows.back()[i].mean / first_of(i)});
  return found;
}

ROLEWISE_INLINE double range_history::first_of(std::size_t range) const
{
  for (const auto& row : rows)
    if (const double x = row[range].mean; std::isfinite(x)) return x == 0.0 ? not_there : x;
  return not_there;
}

}  // namespace rolewise
