// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The trials that successive halving eliminates at its rungs.

#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace rolewise::search::detail {

/// The product of two numbers that are at least 1, saturated at the highest integer.
[[nodiscard]] constexpr std::int64_t times(std::int64_t a, std::int64_t b) noexcept
{
  constexpr auto highest = std::numeric_limits<std::int64_t>::max();
  return a > highest / b ? highest : a * b;
}

/// How many of `count` trials a rung promotes.
[[nodiscard]] constexpr std::size_t promoted(std::size_t count, std::int64_t eta) noexcept
{
  return std::max<std::size_t>(1, count / static_cast<std::size_t>(eta));
}

/// The unfinished trials that are eliminated at the rungs that can be decided: those at which
/// every remaining trial has a score, has finished or has failed. Failed trials rank last.
/// @param members by number
/// @param rungs in epochs, ascending
[[nodiscard]] ROLEWISE_INLINE std::vector<std::int64_t> fallen(
    std::vector<const trial_state*> members, std::int64_t eta,
    const std::vector<std::int64_t>& rungs);

}  // namespace rolewise::search::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/detail/implementation/halving.hpp>
#endif
