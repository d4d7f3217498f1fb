// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/search_run_options.hpp>.

#include <rolewise/train/search_run_options.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void require_sound(const search_run_options& o, const search::search_space& space)
{
  if (o.trials < 1 || o.epochs < 1 || o.evaluation_interval < 1)
    throw_invalid_argument("run_search", "want trials, epochs and evaluation_interval >= 1, got ",
                           o.trials, ", ", o.epochs, " and ", o.evaluation_interval);
  if (o.max_concurrent_trials < 1 || o.threads_per_trial < 0 || o.threads_per_trial > 4096)
    throw_invalid_argument(
        "run_search", "want max_concurrent_trials >= 1 and threads_per_trial from 0 to 4096, got ",
        o.max_concurrent_trials, " and ", o.threads_per_trial);
  if (space.dimensions().empty())
    throw_invalid_argument("run_search", "the space is empty: there is nothing to search");
  if (o.order.empty()) return;
  auto sorted = o.order;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<std::int64_t>(i) ||
        sorted.size() != static_cast<std::size_t>(o.trials))
      throw_invalid_argument("run_search", "want each of the ", o.trials,
                             " trials once in order, got ", detail::classic_list(" ", o.order));
}

}  // namespace rolewise::detail
