// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/inside.hpp>.

#include <rolewise/search/inside.hpp>

#include <rolewise/support/error.hpp>
#include <rolewise/support/nearest_names.hpp>

#include <cmath>
#include <variant>

namespace rolewise::search::detail {

ROLEWISE_INLINE std::string wanted_by(const dimension& d)
{
  if (const auto* real = std::get_if<real_interval>(&d.range))
    return detail::classic_text("a real ", real->low, " .. ", real->high);
  if (const auto* whole = std::get_if<integer_interval>(&d.range))
    return detail::classic_text("an integer ", whole->low, " .. ", whole->high);
  return detail::classic_text("one of ",
                              detail::classic_list(", ", std::get<choice_of>(d.range).names));
}

ROLEWISE_INLINE std::string found_value(const configuration::value& x)
{
  if (const auto* real = std::get_if<double>(&x)) return detail::classic_text("the real ", *real);
  if (const auto* whole = std::get_if<std::int64_t>(&x))
    return detail::classic_text("the integer ", *whole);
  return detail::classic_text("'", std::get<std::string>(x), "'");
}

ROLEWISE_INLINE std::size_t place_of(const search_space& space, std::string_view name)
{
  const auto& all = space.dimensions();
  return static_cast<std::size_t>(std::ranges::find(all, name, &dimension::name) - all.begin());
}

ROLEWISE_INLINE std::string objection_to_name(const search_space& space, std::string_view name)
{
  std::vector<std::string> known;
  for (const auto& d : space.dimensions()) known.push_back(d.name);
  return detail::classic_text("has '", name, "', which the space does not; ",
                              known.empty()
                                  ? "the space is empty"
                                  : "the nearest is " + support::nearest_names(name, known));
}

}  // namespace rolewise::search::detail

namespace rolewise::search {

ROLEWISE_INLINE std::string objection_to(const search_space& space, const configuration& p)
{
  for (const auto& d : space.dimensions()) {
    const auto* x = p.find(d.name);
    if (x == nullptr)
      return detail::classic_text("has no '", d.name, "', want ", detail::wanted_by(d));
    if (!is_in(d, *x))
      return detail::classic_text("'", d.name, "' is ", detail::found_value(*x), ", want ",
                                  detail::wanted_by(d));
  }
  for (const auto& [name, x] : p.values())
    if (detail::place_of(space, name) == space.dimensions().size())
      return detail::objection_to_name(space, name);
  return {};
}

ROLEWISE_INLINE void require_inside(std::string_view who, const search_space& space,
                                    const configuration& p)
{
  if (!space.contains(p)) throw_invalid_argument(who, "the configuration ", objection_to(space, p));
}

ROLEWISE_INLINE void require_dimensions(std::string_view who, const search_space& space)
{
  if (space.dimensions().empty())
    throw_invalid_argument(who, "the space has no dimension, want at least one to search");
}

ROLEWISE_INLINE configuration clamped(const search_space& space, const configuration& p)
{
  configuration inside;
  for (const auto& d : space.dimensions()) {
    const auto* x = p.find(d.name);
    if (x == nullptr) break;  // reported by `require_inside`
    const auto* real = std::get_if<real_interval>(&d.range);
    const auto* whole = std::get_if<integer_interval>(&d.range);
    const auto* number = std::get_if<double>(x);
    const auto* integer = std::get_if<std::int64_t>(x);
    if (real != nullptr && number != nullptr && !std::isnan(*number))
      inside.set(d.name, std::clamp(*number, real->low, real->high));
    else if (whole != nullptr && integer != nullptr)
      inside.set(d.name, std::clamp(*integer, whole->low, whole->high));
    else
      inside.set(d.name, *x);
  }
  for (const auto& [name, x] : p.values())
    if (inside.find(name) == nullptr) inside.set(name, x);
  require_inside("clamped", space, inside);
  return inside;
}

}  // namespace rolewise::search
