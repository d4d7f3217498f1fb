// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/detail/unit_cube.hpp>.

#include <rolewise/search/detail/unit_cube.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>
#include <variant>

namespace rolewise::search::detail {

ROLEWISE_INLINE cube_axis axis_of(const dimension& d)
{
  if (const auto* named = std::get_if<choice_of>(&d.range))
    return {static_cast<std::int64_t>(named->names.size()), false};
  if (const auto* whole = std::get_if<integer_interval>(&d.range))
    return {whole->high - whole->low + 1, true};
  return {};
}

ROLEWISE_INLINE std::vector<cube_axis> axes_of(const search_space& space)
{
  std::vector<cube_axis> axes;
  for (const auto& d : space.dimensions()) axes.push_back(axis_of(d));
  return axes;
}

ROLEWISE_INLINE std::int64_t cell_at(double coordinate, std::int64_t cells)
{
  const auto cell = static_cast<std::int64_t>(coordinate * static_cast<double>(cells));
  return std::clamp<std::int64_t>(cell, 0, cells - 1);
}

ROLEWISE_INLINE double coordinate_of(const dimension& d, const configuration& p)
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

ROLEWISE_INLINE configuration::value value_at(const dimension& d, double coordinate)
{
  const auto along = axis_of(d);
  if (const auto* named = std::get_if<choice_of>(&d.range))
    return named->names[static_cast<std::size_t>(cell_at(coordinate, along.cells))];
  if (const auto* whole = std::get_if<integer_interval>(&d.range))
    return whole->low + cell_at(coordinate, along.cells);
  return std::get<real_interval>(d.range).at(coordinate);
}

ROLEWISE_INLINE std::vector<double> in_unit_cube(const search_space& space, const configuration& p)
{
  std::vector<double> coordinates;
  for (const auto& d : space.dimensions()) coordinates.push_back(coordinate_of(d, p));
  return coordinates;
}

ROLEWISE_INLINE configuration from_unit_cube(const search_space& space,
                                             const std::vector<double>& coordinates)
{
  configuration found;
  for (std::size_t i = 0; i < coordinates.size(); ++i)
    found.set(space.dimensions()[i].name, value_at(space.dimensions()[i], coordinates[i]));
  return found;
}

}  // namespace rolewise::search::detail
