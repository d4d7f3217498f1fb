// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Truncation selection: which trials of a population become copies of which.

#include <rolewise/core/draws.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::search::detail {

/// One copy: trial `to` takes over the state of trial `from`.
struct exchange {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

/// Truncation selection: each of the worst share becomes a copy of one of the best share, drawn
/// at random. A share is rounded up, but is never more than half. Trials without a score have
/// failed: each of them becomes a copy, however many they are, and none is copied.
/// @return in ascending order of `to`
[[nodiscard]] ROLEWISE_INLINE std::vector<exchange> exchanges(std::vector<ranked_trial> trials,
                                                              double share, seed key,
                                                              std::int64_t step);

}  // namespace rolewise::search::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/detail/implementation/exchange.hpp>
#endif
