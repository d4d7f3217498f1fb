// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A pool of candidate views of a batch, and the selection of some of them.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/batch_parts.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <vector>

namespace rolewise {

/// The places of the `count` highest values, in ascending order; of equal values the first. All
/// places if there are no more than `count`.
/// @param values `[N]`, floating point, none of them NaN
/// @return `[min(count, N)]` int64
/// @throws std::invalid_argument for a count below 1, values of another shape, or NaN
[[nodiscard]] ROLEWISE_INLINE torch::Tensor places_of_highest(const torch::Tensor& values,
                                                              std::int64_t count);

/// Applies an agent `runs` times to a batch of N, under `seed.split(0)`, `seed.split(1)`, ..., and
/// joins the views: `[runs * N]`.
/// @throws std::invalid_argument for runs below 1
template<AugmentationAgent Agent>
[[nodiscard]] batch candidate_views(const Agent& agent, const batch& examples,
                                    const training_progress& progress, seed key, std::int64_t runs)
{
  if (runs < 1) throw_invalid_argument("candidate_views", "runs is ", runs, ", want at least 1");
  std::vector<batch> views;
  for (std::int64_t i = 0; i < runs; ++i)
    views.push_back(agent(examples, progress, key.split(static_cast<std::uint64_t>(i))));
  return joined(views);
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/candidates.hpp>
#endif
