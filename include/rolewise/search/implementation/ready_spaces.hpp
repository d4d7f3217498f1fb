// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/ready_spaces.hpp>.

#include <rolewise/search/ready_spaces.hpp>

namespace rolewise::search {

ROLEWISE_INLINE search_space loss_weight_space(const std::vector<std::string>& terms, double low,
                                               double high)
{
  std::vector<dimension> weights;
  for (const auto& term : terms)
    weights.push_back({"weight." + term, real_interval{low, high, spacing::logarithmic}});
  return search_space{std::move(weights)};
}

}  // namespace rolewise::search
