// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Grid search; a template for custom strategies.

#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>

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
  [[nodiscard]] std::int64_t configurations(const search_space& space) const;

  /// The configuration with this number, 0 .. `configurations(space)` - 1.
  [[nodiscard]] configuration at(const search_space& space, std::int64_t number) const;

  [[nodiscard]] std::vector<decision> operator()(const search_space& space,
                                                 const std::vector<trial_state>& trial_states,
                                                 seed) const;

 private:
  [[nodiscard]] std::int64_t values_along(const dimension& d) const;

  [[nodiscard]] static configuration::value value_along(const dimension& d, std::int64_t i,
                                                        std::int64_t count);
};

static_assert(SearchStrategy<grid>);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/grid.hpp>
#endif
