// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Display width of UTF-8 text in terminal columns, and truncation to a width.

#include <rolewise/support/detail/display_width_ranges.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

namespace rolewise::detail {

/// A decoded character of a text, and the number of its bytes.
struct utf8_character {
  char32_t code = 0;
  std::size_t bytes = 1;
  bool is_valid = true;
};

/// Decodes the first character of a nonempty text. A byte that does not begin a complete
/// character in its shortest form is returned alone, as not valid.
[[nodiscard]] constexpr utf8_character first_character(std::string_view text)
{
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  constexpr utf8_character invalid{0xFFFD, 1, false};
  const std::size_t bytes = lead < 0xC2   ? 0
                            : lead < 0xE0 ? 2
                            : lead < 0xF0 ? 3
                            : lead < 0xF5 ? 4
                                          : 0;
  if (bytes == 0 || text.size() < bytes) return invalid;
  char32_t code = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return invalid;
    code = code << 6U | (byte(i) & 0x3FU);
  }
  const bool is_long = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  const bool is_no_character = (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF;
  if (is_long || is_no_character) return invalid;
  return {code, bytes, true};
}

/// Whether a character moves the cursor or controls the terminal: C0, delete, C1, and the line
/// and paragraph separators.
[[nodiscard]] constexpr bool is_control(char32_t code)
{
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029;
}

template<typename Ranges>
[[nodiscard]] constexpr bool holds(const Ranges& ranges, char32_t code)
{
  const auto* const after =
      std::upper_bound(ranges.data(), ranges.data() + ranges.size(), code,
                       [](char32_t c, const code_point_range& range) { return c < range.first; });
  return after != ranges.data() && code <= (after - 1)->last;
}

/// Columns of one character: 0, 1 or 2.
[[nodiscard]] constexpr std::size_t width_of(char32_t code)
{
  constexpr char32_t first_mark = 0x300;
  if (code < first_mark) return 1;
  // Variation selector 16: emoji presentation of the character before it, which many terminals
  // draw one column wider.
  constexpr char32_t emoji_form = 0xFE0F;
  if (code == emoji_form) return 1;
  if (holds(without_width, code)) return 0;
  return holds(of_double_width, code) ? 2 : 1;
}

}  // namespace rolewise::detail

namespace rolewise::support {

/// Number of terminal columns of a text after `cut_to_width` has made it one line.
///
/// East Asian wide characters and emoji take two, combining marks none, all others one. Where
/// terminals differ, the larger number.
/// @param text in UTF-8
[[nodiscard]] constexpr std::size_t display_width(std::string_view text)
{
  std::size_t columns = 0;
  while (!text.empty()) {
    const auto c = detail::first_character(text);
    columns += detail::width_of(c.code);
    text.remove_prefix(c.bytes);
  }
  return columns;
}

/// Truncates a text to one line of at most `columns` columns; `…` at the end marks a truncated
/// text.
///
/// Characters that would move the cursor (line breaks, escape sequences) are shown as `?`, bytes
/// that are not UTF-8 as U+FFFD. Without a width the whole text becomes one line in this way.
/// @param text in UTF-8
[[nodiscard]] ROLEWISE_INLINE std::string cut_to_width(
    std::string_view text, std::size_t columns = std::numeric_limits<std::size_t>::max());

}  // namespace rolewise::support

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/display_width.hpp>
#endif
