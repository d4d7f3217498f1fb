// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Shared parts of synchronous and asynchronous population based training.

#include <rolewise/core/fraction.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/search/configuration.hpp>
#include <rolewise/search/inside.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise::search::detail {

ROLEWISE_INLINE void require_quantile(std::string_view who, fraction quantile);

/// The size of the upper and of the lower quantile of `trials` trials: rounded up, at most half.
[[nodiscard]] ROLEWISE_INLINE std::size_t size_of_quantile(fraction quantile, std::size_t trials);

/// A trial and the score that it is ranked by, `failed_score` if it has failed.
struct contender {
  std::size_t place = 0;  ///< index in the trial states
  std::int64_t trial = 0;
  double score = 0.0;
};

/// Sorts best first; of equal scores the lower number first.
ROLEWISE_INLINE void rank(std::vector<contender>& all);

/// How many of the best-ranked trials can be copied: the size of the quantile, at least one, but
/// none that has failed.
/// @param ranked best first
[[nodiscard]] ROLEWISE_INLINE std::size_t donors_of(const std::vector<contender>& ranked,
                                                    std::size_t quantile);

/// The initial configuration of a trial: `first` in the dimensions that it names,
/// `search_space::sample` in the others.
[[nodiscard]] ROLEWISE_INLINE configuration first_configuration(std::string_view who,
                                                                const search_space& space,
                                                                const configuration& first,
                                                                seed of_trial);

}  // namespace rolewise::search::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/detail/implementation/population.hpp>
#endif
