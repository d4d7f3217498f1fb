// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Grid search; a template for custom strategies.

#include <rolewise/search/detail/ranking.hpp>
#include <rolewise/search/search_strategy.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace rolewise::search {

/// Grid search: trial i is the i-th configuration of a regular grid; the first dimension varies
/// fastest.
///
/// An interval gives `steps` values, evenly spaced on its linear or logarithmic scale, both ends
/// included (its middle if `steps` is 1), an interval of fewer integers gives each of them, a
/// choice every name. Trials beyond `configurations(space)` are stopped before they start, and
/// configurations beyond the number of trials are not evaluated: make as many trials as there are
/// configurations. A trial that fails is stopped. Seeds have no effect.
struct grid {
  static constexpr std::string_view name = "grid";
  static constexpr bool has_state = false;

  std::int64_t steps = 3;  ///< at least 1

  /// The number of configurations of the grid.
  /// @throws std::invalid_argument if `steps` is below 1 or there are 2^63 configurations or more
  [[nodiscard]] std::int64_t configurations(const search_space& space) const
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

  /// The configuration with this number, 0 .. `configurations(space)` - 1.
  [[nodiscard]] configuration at(const search_space& space, std::int64_t number) const
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

  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
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

 private:
  [[nodiscard]] std::int64_t values_along(const dimension& d) const
  {
    if (const auto* named = std::get_if<choice_of>(&d.range))
      return static_cast<std::int64_t>(named->names.size());
    if (const auto* whole = std::get_if<integer_interval>(&d.range))
      return std::min(steps, whole->high - whole->low + 1);
    const auto& real = std::get<real_interval>(d.range);
    return real.low == real.high ? 1 : steps;
  }

  [[nodiscard]] static configuration::value value_along(const dimension& d, std::int64_t i,
                                                        std::int64_t count)
  {
    if (const auto* named = std::get_if<choice_of>(&d.range))
      return named->names[static_cast<std::size_t>(i)];
    const double share = count == 1 ? 0.5 : static_cast<double>(i) / static_cast<double>(count - 1);
    if (const auto* whole = std::get_if<integer_interval>(&d.range))
      return whole->low + std::llround(share * static_cast<double>(whole->high - whole->low));
    return std::get<real_interval>(d.range).at(share);
  }
};

static_assert(SearchStrategy<grid>);

}  // namespace rolewise::search
