// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The trials that successive halving eliminates at its rungs.

#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/search/search_strategy.hpp>

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
[[nodiscard]] inline std::vector<std::int64_t> fallen(std::vector<const trial_state*> members,
                                                      std::int64_t eta,
                                                      const std::vector<std::int64_t>& rungs)
{
  std::vector<std::int64_t> out;
  for (const auto epochs : rungs) {
    std::vector<ranked_trial> ranking;
    for (const auto* s : members) {
      ranking.push_back({s->trial, score_after(*s, epochs)});
      if (!ranking.back().score && !s->finished && !has_failed(*s)) return out;
    }
    rank(ranking);
    const auto going_on = promoted(ranking.size(), eta);
    std::vector<const trial_state*> left;
    for (const auto* s : members) {
      const auto place = std::find_if(ranking.begin(), ranking.end(),
                                      [&](const auto& r) { return r.trial == s->trial; }) -
                         ranking.begin();
      if (static_cast<std::size_t>(place) < going_on)
        left.push_back(s);
      else if (!s->finished)
        out.push_back(s->trial);
    }
    members = left;
  }
  return out;
}

}  // namespace rolewise::search::detail
