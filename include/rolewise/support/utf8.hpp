// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// UTF-8 validation: all output is valid UTF-8; input may begin with a byte order mark.

#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace rolewise::detail {

/// U+FFFD, the replacement character for bytes that are not UTF-8.
inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

/// A prefix of a text: one character, or the bytes that could have begun one.
struct utf8_piece {
  std::size_t length = 1;
  bool is_character = false;
};

/// Returns the first piece of a nonempty text, by table 3-7 of the Unicode standard: no overlong
/// form, no surrogate, nothing above U+10FFFF.
[[nodiscard]] constexpr utf8_piece first_piece(std::string_view text)
{
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const std::size_t wanted = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const unsigned least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  std::size_t length = 1;
  while (length < wanted && length < text.size() && byte(length) >= (length == 1 ? least : 0x80) &&
         byte(length) <= (length == 1 ? most : 0xBF))
    ++length;
  return {length, length == wanted};
}

[[nodiscard]] constexpr bool is_utf8(std::string_view text)
{
  while (!text.empty()) {
    const auto piece = first_piece(text);
    if (!piece.is_character) return false;
    text.remove_prefix(piece.length);
  }
  return true;
}

/// Returns the text with U+FFFD for bytes that are not UTF-8, one for each longest run that could
/// have begun a character, as in browsers and Python. All writers of JSON, CSV, SVG, HTML and
/// Markdown apply it to names.
[[nodiscard]] ROLEWISE_INLINE std::string valid_utf8(std::string_view text);

/// Length in bytes of the UTF-8 byte order mark that a text begins with: 3 or 0.
[[nodiscard]] constexpr std::size_t byte_order_mark_of(std::string_view text)
{
  return text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
}

}  // namespace rolewise::detail

namespace rolewise::support {

/// Returns `UTF-16` or `UTF-32` if a text has that byte order mark, or zero bytes beside its
/// first letter; empty for a text that may be UTF-8.
[[nodiscard]] constexpr std::string_view foreign_encoding(std::string_view text)
{
  using namespace std::string_view_literals;
  if (text.starts_with("\xFF\xFE\0\0"sv) || text.starts_with("\0\0\xFE\xFF"sv)) return "UTF-32";
  if (text.starts_with("\xFF\xFE"sv) || text.starts_with("\xFE\xFF"sv)) return "UTF-16";
  if (text.size() < 2) return {};
  const auto is_letter = [](char c) {
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0x7F);
  };
  const bool is_little = is_letter(text[0]) && text[1] == '\0';
  const bool is_big = text[0] == '\0' && is_letter(text[1]);
  if (is_little && text.substr(0, 4).substr(1) == "\0\0\0"sv) return "UTF-32";
  return is_little || is_big ? "UTF-16" : std::string_view{};
}

/// Returns a text without the byte order mark (EF BB BF) that some editors and spreadsheets write
/// before UTF-8. All readers of this library skip it.
[[nodiscard]] constexpr std::string_view after_byte_order_mark(std::string_view text)
{
  return text.substr(detail::byte_order_mark_of(text));
}

}  // namespace rolewise::support

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/utf8.hpp>
#endif
