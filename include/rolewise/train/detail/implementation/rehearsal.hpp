// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/rehearsal.hpp>.

#include <rolewise/train/detail/rehearsal.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE batch rows_of(batch whole, const std::vector<std::int64_t>& places)
{
  const auto index = at::tensor(places, torch::kLong);
  for (auto* each : {&whole.inputs, &whole.labels, &whole.ids, &whole.mask, &whole.weights})
    if (each->defined()) *each = each->index_select(0, index);
  return whole;
}

}  // namespace rolewise::detail
