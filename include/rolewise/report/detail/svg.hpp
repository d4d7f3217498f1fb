// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// SVG helpers: colors and dashes of curves, XML escaping.

#include <rolewise/support/utf8.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace rolewise::report::detail {

/// Seven colors that readers with red-green color blindness can distinguish, too. Okabe, Ito:
/// Color Universal Design, 2008; without yellow, which is faint on white.
inline constexpr std::array<std::string_view, 7> line_colors{
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"};
/// Dash patterns: after seven curves, colors repeat with the next pattern.
inline constexpr std::array<std::string_view, 4> line_strokes{"", "7 4", "2 3", "9 3 2 3"};

/// Escapes text for XML or HTML. Control characters, which XML does not allow, become spaces;
/// invalid UTF-8 and U+FFFE and U+FFFF, which XML does not allow either, become U+FFFD.
[[nodiscard]] inline std::string xml_text(std::string_view bytes)
{
  const auto words = valid_utf8(bytes);
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const char c = words[i];
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) < 0x20)
      out += ' ';
    else if (const auto three = std::string_view{words}.substr(i, 3);
             three == "\xEF\xBF\xBE" || three == "\xEF\xBF\xBF")
      (out += replacement_character, i += 2);
    else
      out += c;
  }
  return out;
}

/// Calls `f(begin, end)` for each part [begin, end) of a series without gaps.
template<typename IsThere, typename F>
void for_each_stretch(std::size_t size, IsThere&& is_there, F&& f)
{
  for (std::size_t begin = 0; begin < size; ++begin) {
    auto end = begin;
    while (end < size && is_there(end)) ++end;
    if (end > begin) f(begin, end);
    begin = end;
  }
}

}  // namespace rolewise::report::detail
