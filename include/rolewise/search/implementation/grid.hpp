// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/grid.hpp>.

#include <rolewise/search/grid.hpp>

#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/support/error.hpp>

#include <cmath>
#include <limits>

namespace rolewise::search {

ROLEWISE_INLINE std::int64_t grid::configurations(const search_space& space) const
{
  if (steps < 1) throw_invalid_argument(name, "want steps >= 1, got ", steps);
  std::int64_t count = 1;
  for (const auto& d : space.dimensions()) {
    const auto values = values_along(d);
    if (count > std::numeric_limits<std::int64_t>::max() / values)
      throw_invalid_argument(name, "has more configurations than a 64-bit integer counts");
    count *= values;
  }
  return count;
}

ROLEWISE_INLINE configuration grid::at(const search_space& space, std::int64_t number) const
{
  if (const auto count = configurations(space); number < 0 || number >= count)
    throw_invalid_argument(name, "has the configurations 0 .. ", count - 1, ", was asked for ",
                           number);
  configuration found;
  for (const auto& d : space.dimensions()) {
    const auto count = values_along(d);
    found.set(d.name, value_along(d, number % count, count));
    number /= count;
  }
  return found;
}

ROLEWISE_INLINE std::vector<decision> grid::operator()(const search_space& space,
                                                       const std::vector<trial_state>& trial_states,
                                                       seed) const
{
  const auto count = configurations(space);
  std::vector<decision> decisions;
  for (const auto& s : trial_states) {
    if (s.finished) continue;
    if (detail::has_failed(s))
      decisions.emplace_back(stop_trial{s.trial});
    else if (s.at)
      decisions.emplace_back(keep_trial{s.trial});
    else if (s.trial < count)
      decisions.emplace_back(start_trial{s.trial, at(space, s.trial)});
    else
      decisions.emplace_back(stop_trial{s.trial});
  }
  return decisions;
}

ROLEWISE_INLINE std::int64_t grid::values_along(const dimension& d) const
{
  if (const auto* named = std::get_if<choice_of>(&d.range))
    return static_cast<std::int64_t>(named->names.size());
  if (const auto* whole = std::get_if<integer_interval>(&d.range))
    return std::min(steps, whole->high - whole->low + 1);
  const auto& real = std::get<real_interval>(d.range);
  return real.low == real.high ? 1 : steps;
}

ROLEWISE_INLINE configuration::value grid::value_along(const dimension& d, std::int64_t i,
                                                       std::int64_t count)
{
  if (const auto* named = std::get_if<choice_of>(&d.range))
    return named->names[static_cast<std::size_t>(i)];
  const double share = count == 1 ? 0.5 : static_cast<double>(i) / static_cast<double>(count - 1);
  if (const auto* whole = std::get_if<integer_interval>(&d.range))
    return whole->low + std::llround(share * static_cast<double>(whole->high - whole->low));
  return std::get<real_interval>(d.range).at(share);
}

}  // namespace rolewise::search
