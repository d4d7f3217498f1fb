// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The mapping between configurations of a search space and the unit cube, one coordinate per
/// dimension.

#include <rolewise/search/configuration.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rolewise::search::detail {

/// How a dimension maps to the unit interval.
struct cube_axis {
  std::int64_t cells = 0;  ///< of equal width, one per value, lowest first; 0: real numbers
  bool is_ordered = true;  ///< whether neighboring cells are similar; false for choices
};

[[nodiscard]] ROLEWISE_INLINE cube_axis axis_of(const dimension& d);

[[nodiscard]] ROLEWISE_INLINE std::vector<cube_axis> axes_of(const search_space& space);

/// The index of the cell that contains a coordinate.
[[nodiscard]] ROLEWISE_INLINE std::int64_t cell_at(double coordinate, std::int64_t cells);

[[nodiscard]] inline double middle_of_cell(std::int64_t cell, std::int64_t cells)
{
  return (static_cast<double>(cell) + 0.5) / static_cast<double>(cells);
}

/// The coordinate of a value: for a real its share of the interval, linear or logarithmic; for
/// any other the middle of its cell.
/// @throws std::invalid_argument if the configuration has no such value
[[nodiscard]] ROLEWISE_INLINE double coordinate_of(const dimension& d, const configuration& p);

/// The value at a coordinate.
[[nodiscard]] ROLEWISE_INLINE configuration::value value_at(const dimension& d, double coordinate);

[[nodiscard]] ROLEWISE_INLINE std::vector<double> in_unit_cube(const search_space& space,
                                                               const configuration& p);

[[nodiscard]] ROLEWISE_INLINE configuration from_unit_cube(const search_space& space,
                                                           const std::vector<double>& coordinates);

}  // namespace rolewise::search::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/detail/implementation/unit_cube.hpp>
#endif
