// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The mapping between configurations of a search space and the unit cube, one coordinate per
/// dimension.

#include <rolewise/search/configuration.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace rolewise::search::detail {

/// How a dimension maps to the unit interval.
struct cube_axis {
  std::int64_t cells = 0;  ///< of equal width, one per value, lowest first; 0: real numbers
  bool is_ordered = true;  ///< whether neighboring cells are similar; false for choices
};

[[nodiscard]] inline cube_axis axis_of(const dimension& d)
{
  if (const auto* named = std::get_if<choice_of>(&d.range))
    return {static_cast<std::int64_t>(named->names.size()), false};
  if (const auto* whole = std::get_if<integer_interval>(&d.range))
    return {whole->high - whole->low + 1, true};
  return {};
}

[[nodiscard]] inline std::vector<cube_axis> axes_of(const search_space& space)
{
  std::vector<cube_axis> axes;
  for (const auto& d : space.dimensions()) axes.push_back(axis_of(d));
  return axes;
}

/// The index of the cell that contains a coordinate.
[[nodiscard]] inline std::int64_t cell_at(double coordinate, std::int64_t cells)
{
  const auto cell = static_cast<std::int64_t>(coordinate * static_cast<double>(cells));
  return std::clamp<std::int64_t>(cell, 0, cells - 1);
}

[[nodiscard]] inline double middle_of_cell(std::int64_t cell, std::int64_t cells)
{
  return (static_cast<double>(cell) + 0.5) / static_cast<double>(cells);
}

/// The coordinate of a value: for a real its share of the interval, linear or logarithmic; for
/// any other the middle of its cell.
/// @throws std::invalid_argument if the configuration has no such value
[[nodiscard]] inline double coordinate_of(const dimension& d, const configuration& p)
{
  if (const auto* named = std::get_if<choice_of>(&d.range)) {
    const auto& chosen = p.choice(d.name);
    const auto found = std::find(named->names.begin(), named->names.end(), chosen);
    if (found == named->names.end())
      throw_invalid_argument("search", "'", d.name, "' is '", chosen,
                             "', which is none of its names");
    return middle_of_cell(found - named->names.begin(),
                          static_cast<std::int64_t>(named->names.size()));
  }
  if (const auto* whole = std::get_if<integer_interval>(&d.range))
    return middle_of_cell(p.integer(d.name) - whole->low, whole->high - whole->low + 1);
  const auto& real = std::get<real_interval>(d.range);
  if (real.low == real.high) return 0.5;
  const double x = p.real(d.name);
  const double share = real.measure == spacing::linear
                           ? (x - real.low) / (real.high - real.low)
                           : std::log(x / real.low) / std::log(real.high / real.low);
  return std::clamp(share, 0.0, 1.0);
}

/// The value at a coordinate.
[[nodiscard]] inline configuration::value value_at(const dimension& d, double coordinate)
{
  const auto along = axis_of(d);
  if (const auto* named = std::get_if<choice_of>(&d.range))
    return named->names[static_cast<std::size_t>(cell_at(coordinate, along.cells))];
  if (const auto* whole = std::get_if<integer_interval>(&d.range))
    return whole->low + cell_at(coordinate, along.cells);
  return std::get<real_interval>(d.range).at(coordinate);
}

[[nodiscard]] inline std::vector<double> in_unit_cube(const search_space& space,
                                                      const configuration& p)
{
  std::vector<double> coordinates;
  for (const auto& d : space.dimensions()) coordinates.push_back(coordinate_of(d, p));
  return coordinates;
}

[[nodiscard]] inline configuration from_unit_cube(const search_space& space,
                                                  const std::vector<double>& coordinates)
{
  configuration found;
  for (std::size_t i = 0; i < coordinates.size(); ++i)
    found.set(space.dimensions()[i].name, value_at(space.dimensions()[i], coordinates[i]));
  return found;
}

}  // namespace rolewise::search::detail
