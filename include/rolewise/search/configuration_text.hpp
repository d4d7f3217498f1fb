// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Text forms of configurations: one line for people, JSON for programs.

#include <rolewise/search/configuration.hpp>
#include <rolewise/search/inside.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/json_reader.hpp>
#include <rolewise/support/namespaces.hpp>
#include <rolewise/support/utf8.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace rolewise::search {

namespace detail {

/// The prefix of a policy, if `name` is that of the policy's first value.
[[nodiscard]] ROLEWISE_INLINE std::optional<std::string> policy_prefix(std::string_view name);

/// Whether a configuration has all levels of the policy with that prefix, each in its range.
[[nodiscard]] ROLEWISE_INLINE bool holds_policy(const configuration& p, std::string_view prefix);

/// Requires UTF-8, so that names read back unchanged.
/// @throws std::invalid_argument for text that is not UTF-8, which JSON cannot hold
ROLEWISE_INLINE void require_utf8(std::string_view who, std::string_view name);

/// A JSON object with one member per value. Reals are written with a decimal point or an
/// exponent, integers without, so that types are read back as well as bits.
[[nodiscard]] ROLEWISE_INLINE json json_of(const configuration& p);

/// @throws json_error
[[nodiscard]] ROLEWISE_INLINE configuration configuration_from(const json& object);

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
[[nodiscard]] ROLEWISE_INLINE std::string text(const configuration& p);

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
[[nodiscard]] ROLEWISE_INLINE configuration
parse_configuration(std::string_view text, std::string_view source = "configuration");

/// Parses a configuration of a space, with its values in the order of the space. A real dimension
/// also accepts an integer: people write `1` for `1.0`.
/// @throws std::runtime_error as above, and for a configuration outside the space
[[nodiscard]] ROLEWISE_INLINE configuration parse_configuration(
    std::string_view text, const search_space& space, std::string_view source = "configuration");

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/configuration_text.hpp>
#endif
