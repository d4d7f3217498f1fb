// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `search_space` type: named real, integer and categorical dimensions.

#include <rolewise/core/draws.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/search/configuration.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise::search {

/// Scale of an interval: linear, or logarithmic (learning rates, weights of losses).
enum class spacing { linear, logarithmic };

/// A real interval from `low` to `high`, both included.
struct real_interval {
  double low = 0.0;
  double high = 1.0;
  spacing measure = spacing::linear;

  /// Maps a share in [0, 1] to the interval, from `low` (0) to `high` (1), linearly or
  /// logarithmically according to `measure`; the ends are exact.
  [[nodiscard]] double at(double share) const;

  friend bool operator==(const real_interval&, const real_interval&) = default;
};

/// An integer interval from `low` to `high`, both included; fewer than 2^32 values.
struct integer_interval {
  std::int64_t low = 0;
  std::int64_t high = 1;

  friend bool operator==(const integer_interval&, const integer_interval&) = default;
};

/// A categorical range: one of several names.
struct choice_of {
  std::vector<std::string> names;

  friend bool operator==(const choice_of&, const choice_of&) = default;
};

/// One named dimension of a search space.
struct dimension {
  std::string name;
  std::variant<real_interval, integer_interval, choice_of> range;

  friend bool operator==(const dimension&, const dimension&) = default;
};

/// A product of named dimensions. Without dimensions it has one configuration, the empty one.
///
///     const search_space space{{"lr", real_interval{1e-4, 1e-1, spacing::logarithmic}},
///                              {"bits", integer_interval{1, 8}},
///                              {"agent", choice_of{{"none", "policy"}}}};
class search_space {
 public:
  search_space() = default;
  /// @throws std::invalid_argument for a dimension name that is empty or used twice; an interval
  ///         that is empty, not finite, or logarithmic and not above 0; a choice without names or
  ///         with repeated names
  search_space(std::initializer_list<dimension> dimensions)
      : search_space{std::vector<dimension>(dimensions)}
  {}
  explicit search_space(std::vector<dimension> dimensions);

  [[nodiscard]] const std::vector<dimension>& dimensions() const { return dimensions_; }

  /// Draws a configuration uniformly (log-uniformly where the spacing is logarithmic).
  ///
  /// @par Determinism
  /// The value of a dimension depends only on the seed and on the dimension's own name and range:
  /// adding, removing or reordering other dimensions does not change it.
  [[nodiscard]] configuration sample(seed key) const;

  /// Whether a configuration has exactly the names of this space, each with a value in its range.
  [[nodiscard]] bool contains(const configuration& p) const;

  friend bool operator==(const search_space&, const search_space&) = default;

 private:
  static void require_sound(const std::string& name, const real_interval& r);
  static void require_sound(const std::string& name, const integer_interval& r);
  static void require_sound(const std::string& name, const choice_of& r);

  [[nodiscard]] static configuration::value value_in(const real_interval& r, const draws& from)
  {
    return r.at(from.uniform(0));
  }
  [[nodiscard]] static configuration::value value_in(const integer_interval& r, const draws& from)
  {
    return r.low + from.below(0, r.high - r.low + 1);
  }
  [[nodiscard]] static configuration::value value_in(const choice_of& r, const draws& from);

  [[nodiscard]] static bool is_in(const real_interval& r, const configuration::value& x);
  [[nodiscard]] static bool is_in(const integer_interval& r, const configuration::value& x);
  [[nodiscard]] static bool is_in(const choice_of& r, const configuration::value& x);

  std::vector<dimension> dimensions_;
};

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/space.hpp>
#endif
