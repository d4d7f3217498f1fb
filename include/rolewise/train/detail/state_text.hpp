// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Values of a snapshot as text, a kind and JSON, that gives the same bits back:
/// docs/checkpoint_format.md.

#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/json_reader.hpp>
#include <rolewise/support/utf8.hpp>
#include <rolewise/train/snapshot.hpp>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise::detail {

template<typename T>
inline constexpr std::string_view kind_of_value = "";
template<>
inline constexpr std::string_view kind_of_value<bool> = "bool";
template<>
inline constexpr std::string_view kind_of_value<std::int64_t> = "int64";
template<>
inline constexpr std::string_view kind_of_value<double> = "float64";
template<>
inline constexpr std::string_view kind_of_value<std::string> = "string";
template<>
inline constexpr std::string_view kind_of_value<std::vector<std::int64_t>> = "int64_list";
template<>
inline constexpr std::string_view kind_of_value<std::vector<double>> = "float64_list";
template<>
inline constexpr std::string_view kind_of_value<std::vector<std::string>> = "string_list";

/// The 16 hexadecimal digits of a word, most significant first.
[[nodiscard]] ROLEWISE_INLINE std::string hex_of(std::uint64_t word);

/// What JSON has no number or string for: `{"hex": digits}`.
[[nodiscard]] inline json in_hex(std::string digits)
{
  return json::object{{"hex", std::move(digits)}};
}
[[nodiscard]] inline json exact_json(bool x) { return x; }
[[nodiscard]] inline json exact_json(std::int64_t x) { return x; }
[[nodiscard]] inline json exact_json(double x)
{
  if (std::isfinite(x)) return x;
  return in_hex(hex_of(std::bit_cast<std::uint64_t>(x)));
}
[[nodiscard]] ROLEWISE_INLINE json exact_json(const std::string& x);
template<typename T>
[[nodiscard]] json exact_json(const std::vector<T>& all)
{
  json::array elements;
  elements.reserve(all.size());
  for (const auto& x : all) elements.push_back(exact_json(x));
  return elements;
}

/// @throws json_error
template<typename Word>
[[nodiscard]] Word word_of_hex(std::string_view digits)
{
  Word word{};
  const auto* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, word, 16);
  if (error != std::errc{} || stop != end || digits.size() != 2 * sizeof word)
    throw json_error{0, classic_text("has other hexadecimal digits than ", 2 * sizeof word)};
  return word;
}

// Each throws a json_error if the text has another form.
inline void take_json(const json& text, bool& x) { x = text.boolean(); }
inline void take_json(const json& text, std::int64_t& x) { x = text.number<std::int64_t>(); }
ROLEWISE_INLINE void take_json(const json& text, double& x);
ROLEWISE_INLINE void take_json(const json& text, std::string& x);
template<typename T>
void take_json(const json& text, std::vector<T>& all)
{
  all.reserve(text.elements().size());
  for (const auto& element : text.elements()) take_json(element, all.emplace_back());
}

/// Returns `<kind> <JSON>` of a value that is no tensor.
[[nodiscard]] ROLEWISE_INLINE std::string text_of_value(const state_entry::value_type& value);

/// Parses what `text_of_value` returns.
/// @throws json_error
template<std::size_t kind = 1>
[[nodiscard]] state_entry::value_type value_of_text(std::string_view text)
{
  if constexpr (kind == std::variant_size_v<state_entry::value_type>) {
    throw json_error{0, "is of the unknown kind '" + std::string{text.substr(0, 20)} + "'"};
  } else {
    using value_type = std::variant_alternative_t<kind, state_entry::value_type>;
    constexpr auto name = kind_of_value<value_type>;
    if (text.substr(0, text.find(' ')) != name) return value_of_text<kind + 1>(text);
    value_type x{};
    take_json(json_reader{text.substr(std::min(name.size() + 1, text.size()))}.read(), x);
    return x;
  }
}

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/state_text.hpp>
#endif
