// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/configuration_text.hpp>.

#include <rolewise/search/configuration_text.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>

#include <cmath>
#include <locale>
#include <set>
#include <sstream>
#include <variant>

namespace rolewise::search::detail {

ROLEWISE_INLINE std::optional<std::string> policy_prefix(std::string_view name)
{
  const auto first = policy_dimension({}, 0);
  if (!name.ends_with(first)) return std::nullopt;
  return std::string{name.substr(0, name.size() - first.size())};
}

ROLEWISE_INLINE bool holds_policy(const configuration& p, std::string_view prefix)
{
  for (std::size_t place = 0; place < policy_places; ++place) {
    const auto* x = p.find(policy_dimension(prefix, place));
    const auto* level = x == nullptr ? nullptr : std::get_if<std::int64_t>(x);
    if (level == nullptr || *level < 0 || *level > highest_level(place)) return false;
  }
  return true;
}

ROLEWISE_INLINE void require_utf8(std::string_view who, std::string_view name)
{
  if (!is_utf8(name))
    throw_invalid_argument(who, "'", valid_utf8(name), "' is no UTF-8, so no JSON can hold it");
}

ROLEWISE_INLINE json json_of(const configuration& p)
{
  json::object members;
  for (const auto& [name, x] : p.values()) {
    if (const auto* real = std::get_if<double>(&x); real != nullptr && !std::isfinite(*real))
      throw_invalid_argument("configuration", "'", name, "' is ", *real,
                             ", which JSON has no word for");
    require_utf8("configuration", name);
    if (const auto* words = std::get_if<std::string>(&x)) require_utf8("configuration", *words);
    members.emplace_back(name, std::visit([](const auto& v) { return json{v}; }, x));
  }
  return members;
}

ROLEWISE_INLINE configuration configuration_from(const json& object)
{
  configuration p;
  for (const auto& [name, x] : object.members()) {
    if (p.find(name) != nullptr)
      throw json_error{0, detail::classic_text("has '", name, "' twice")};
    try {
      if (x.is_text())
        p.set(name, x.text());
      else if (x.is_integer())
        p.set(name, x.number<std::int64_t>());
      else
        p.set(name, x.number<double>());
    } catch (const json_error& error) {
      throw json_error{0, detail::classic_text("'", name, "' ", error.what)};
    }
  }
  return p;
}

}  // namespace rolewise::search::detail

namespace rolewise::search {

ROLEWISE_INLINE std::string text(const configuration& p)
{
  std::ostringstream line;
  line.imbue(std::locale::classic());
  std::set<std::string> told;  // policy levels already written
  const char* separator = "";
  for (const auto& [name, x] : p.values()) {
    if (told.contains(name)) continue;
    line << separator;
    separator = ", ";
    if (const auto prefix = detail::policy_prefix(name);
        prefix && detail::holds_policy(p, *prefix)) {
      line << *prefix << '{' << policy_at(p, *prefix) << '}';
      for (std::size_t place = 0; place < detail::policy_places; ++place)
        told.insert(detail::policy_dimension(*prefix, place));
    } else {
      line << name << ' ';
      std::visit([&](const auto& value) { line << value; }, x);
    }
  }
  return p.values().empty() ? "nothing" : line.str();
}

ROLEWISE_INLINE configuration parse_configuration(std::string_view text, std::string_view source)
{
  return detail::read_json_as("configuration", text, source, [](const detail::json& whole) {
    return detail::configuration_from(whole);
  });
}

ROLEWISE_INLINE configuration parse_configuration(std::string_view text, const search_space& space,
                                                  std::string_view source)
{
  const auto read = parse_configuration(text, source);
  configuration ordered;
  for (const auto& d : space.dimensions()) {
    const auto* x = read.find(d.name);
    if (x == nullptr) continue;
    const auto* whole = std::get_if<std::int64_t>(x);
    if (whole != nullptr && std::holds_alternative<real_interval>(d.range))
      ordered.set(d.name, static_cast<double>(*whole));
    else
      ordered.set(d.name, *x);
  }
  for (const auto& [name, x] : read.values())
    if (ordered.find(name) == nullptr) ordered.set(name, x);
  if (const auto why = objection_to(space, ordered); !why.empty())
    throw_runtime_error(source, "is no configuration of the space: ", why);
  return ordered;
}

}  // namespace rolewise::search
