// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/space_text.hpp>.

#include <rolewise/search/space_text.hpp>

#include <rolewise/support/error.hpp>

#include <stdexcept>
#include <variant>

namespace rolewise::search::detail {

ROLEWISE_INLINE json json_of(const dimension& d)
{
  require_utf8("search_space", d.name);
  json::object members{{"name", d.name}};
  if (const auto* real = std::get_if<real_interval>(&d.range)) {
    members.emplace_back("real", json::array{real->low, real->high});
    members.emplace_back("spacing", real->measure == spacing::linear ? "linear" : "logarithmic");
  } else if (const auto* whole = std::get_if<integer_interval>(&d.range)) {
    members.emplace_back("integer", json::array{whole->low, whole->high});
  } else {
    json::array names;
    for (const auto& name : std::get<choice_of>(d.range).names) {
      require_utf8("search_space", name);
      names.emplace_back(name);
    }
    members.emplace_back("choice", std::move(names));
  }
  return members;
}

ROLEWISE_INLINE void require_members(const json& object,
                                     std::initializer_list<std::string_view> names)
{
  const auto& members = object.members();
  for (auto m = members.begin(); m != members.end(); ++m) {
    if (std::find(names.begin(), names.end(), m->first) == names.end())
      throw json_error{0, detail::classic_text("has '", m->first, "', want ",
                                               detail::classic_list(", ", names))};
    if (std::any_of(members.begin(), m, [&](const auto& e) { return e.first == m->first; }))
      throw json_error{0, detail::classic_text("has '", m->first, "' twice")};
  }
}

ROLEWISE_INLINE decltype(dimension::range) range_from(const json& object)
{
  if (const auto* ends = object.find("integer")) {
    require_members(object, {"name", "integer"});
    const auto [low, high] = ends_from<std::int64_t>(*ends);
    return integer_interval{low, high};
  }
  if (const auto* names = object.find("choice")) {
    require_members(object, {"name", "choice"});
    choice_of range;
    for (const auto& name : names->elements()) range.names.push_back(name.text());
    return range;
  }
  const auto* ends = object.find("real");
  if (ends == nullptr) throw json_error{0, "has no 'real', 'integer' or 'choice'"};
  require_members(object, {"name", "real", "spacing"});
  const auto& measure = object.at("spacing").text();
  if (measure != "linear" && measure != "logarithmic")
    throw json_error{
        0, detail::classic_text("has the spacing '", measure, "', want linear or logarithmic")};
  const auto [low, high] = ends_from<double>(*ends);
  return real_interval{low, high, measure == "linear" ? spacing::linear : spacing::logarithmic};
}

ROLEWISE_INLINE search_space space_from(const json& array)
{
  std::vector<dimension> all;
  for (const auto& object : array.elements()) {
    std::string who = "dimension " + std::to_string(all.size());
    try {
      who += " ('" + object.at("name").text() + "')";
      all.push_back(dimension_from(object));
    } catch (const json_error& error) {
      throw json_error{0, who + ": " + error.what};
    }
  }
  try {
    return search_space{std::move(all)};
  } catch (const std::invalid_argument& error) {
    throw json_error{0, std::string{error.what()}.substr(sizeof("rolewise: ") - 1)};
  }
}

}  // namespace rolewise::search::detail

namespace rolewise::search {

ROLEWISE_INLINE std::string json_text(const search_space& space)
{
  const detail::json whole{detail::json::object{{"rolewise", "search-space"},
                                                {"version", detail::space_version},
                                                {"dimensions", detail::json_of(space)}}};
  std::string text;
  whole.write(text);
  return text + "\n";
}

ROLEWISE_INLINE search_space parse_space(std::string_view text, std::string_view source)
{
  return detail::read_json_as("search space", text, source, [](const detail::json& whole) {
    if (const auto& found = whole.at("rolewise").text(); found != "search-space")
      throw detail::json_error{0, "is a '" + found + "', want a 'search-space'"};
    if (const auto found = whole.at("version").number<std::int64_t>();
        found != detail::space_version)
      throw detail::json_error{
          0, detail::classic_text("has version ", found, ", want ", detail::space_version)};
    detail::require_members(whole, {"rolewise", "version", "dimensions"});
    return detail::space_from(whole.at("dimensions"));
  });
}

}  // namespace rolewise::search
