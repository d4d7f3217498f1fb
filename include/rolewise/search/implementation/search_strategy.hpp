// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/search_strategy.hpp>.

#include <rolewise/search/search_strategy.hpp>

namespace rolewise::search {

ROLEWISE_INLINE std::int64_t trial_of(const decision& made)
{
  if (const auto* copied = std::get_if<exploit_trial>(&made)) return copied->to;
  if (const auto* started = std::get_if<start_trial>(&made)) return started->trial;
  if (const auto* stopped = std::get_if<stop_trial>(&made)) return stopped->trial;
  return std::get<keep_trial>(made).trial;
}

}  // namespace rolewise::search
