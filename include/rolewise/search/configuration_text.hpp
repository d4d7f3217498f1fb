// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Text forms of configurations: one line for people, JSON for programs.

#include <rolewise/search/configuration.hpp>
#include <rolewise/search/inside.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/json_reader.hpp>
#include <rolewise/support/utf8.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <locale>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace rolewise::search {

namespace detail {

/// The prefix of a policy, if `name` is that of the policy's first value.
[[nodiscard]] inline std::optional<std::string> policy_prefix(std::string_view name)
{
  const auto first = policy_dimension({}, 0);
  if (!name.ends_with(first)) return std::nullopt;
  return std::string{name.substr(0, name.size() - first.size())};
}

/// Whether a configuration has all levels of the policy with that prefix, each in its range.
[[nodiscard]] inline bool holds_policy(const configuration& p, std::string_view prefix)
{
  for (std::size_t place = 0; place < policy_places; ++place) {
    const auto* x = p.find(policy_dimension(prefix, place));
    const auto* level = x == nullptr ? nullptr : std::get_if<std::int64_t>(x);
    if (level == nullptr || *level < 0 || *level > highest_level(place)) return false;
  }
  return true;
}

/// Requires UTF-8, so that names read back unchanged.
/// @throws std::invalid_argument for text that is not UTF-8, which JSON cannot hold
inline void require_utf8(std::string_view who, std::string_view name)
{
  if (!is_utf8(name))
    throw_invalid_argument(who, "'", valid_utf8(name), "' is no UTF-8, so no JSON can hold it");
}

/// A JSON object with one member per value. Reals are written with a decimal point or an
/// exponent, integers without, so that types are read back as well as bits.
[[nodiscard]] inline json json_of(const configuration& p)
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

/// @throws json_error
[[nodiscard]] inline configuration configuration_from(const json& object)
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

/// Parses `text` as JSON and applies `read` to the result.
/// @throws std::runtime_error `rolewise: <source>: is not JSON: at byte 7: ...` or
///         `rolewise: <source>: is no <what>: ...`
template<typename Read>
[[nodiscard]] auto read_json_as(std::string_view what, std::string_view text,
                                std::string_view source, const Read& read)
{
  json whole;
  try {
    whole = json_reader{text}.read();
  } catch (const json_error& error) {
    throw_runtime_error(source, "is not JSON: at byte ", error.byte, ": ", error.what);
  }
  try {
    return read(whole);
  } catch (const json_error& error) {
    throw_runtime_error(source, "is no ", what, ": ", error.what);
  }
}

}  // namespace detail

/// Formats a configuration on one line, for people: `learning_rate 0.05, bits 4, agent policy`.
/// Reals have six significant digits. The 60 levels of a policy become one entry, `student.{Rotate
/// 0.3@5, Invert 1.0@0}` (`{...}` without a prefix), which omits pairs of zeros. An empty
/// configuration is `nothing`.
[[nodiscard]] inline std::string text(const configuration& p)
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

/// Formats a configuration as one line of JSON, `{"learning_rate": 0.05, "bits": 4, "agent":
/// "policy"}`, from which `parse_configuration` restores the same bits, types and order.
/// @throws std::invalid_argument for a real that is not finite, and for text that is not UTF-8
[[nodiscard]] inline std::string json_text(const configuration& p)
{
  std::string line;
  detail::json_of(p).write(line, 0, true);
  return line;
}

/// Parses a point: a JSON object of numbers and strings. A number with a decimal point or an
/// exponent is a real, any other an integer.
/// @param source name of the text in error messages
/// @throws std::runtime_error `rolewise: <source>: ...` that names the byte or the value
[[nodiscard]] inline configuration parse_configuration(std::string_view text,
                                                       std::string_view source = "configuration")
{
  return detail::read_json_as("configuration", text, source, [](const detail::json& whole) {
    return detail::configuration_from(whole);
  });
}

/// Parses a configuration of a space, with its values in the order of the space. A real dimension
/// also accepts an integer: people write `1` for `1.0`.
/// @throws std::runtime_error as above, and for a configuration outside the space
[[nodiscard]] inline configuration parse_configuration(std::string_view text,
                                                       const search_space& space,
                                                       std::string_view source = "configuration")
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
