// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/candidates.hpp>.

#include <rolewise/agent/candidates.hpp>

#include <algorithm>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor places_of_highest(const torch::Tensor& values, std::int64_t count)
{
  if (count < 1)
    throw_invalid_argument("places_of_highest", "count is ", count, ", want 1 or more");
  if (!values.defined() || values.dim() != 1 || !values.is_floating_point())
    throw_invalid_argument("places_of_highest", "want values [N] of floating point");
  if (values.isnan().any().item<bool>())
    throw_invalid_argument("places_of_highest", "got NaN, want values that can be ordered");
  const auto falling = std::get<1>(values.sort(true, 0, true));
  return std::get<0>(falling.slice(0, 0, std::min(count, values.size(0))).sort());
}

}  // namespace rolewise
