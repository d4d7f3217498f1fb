// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// UTF-8: what is written is, what is read may begin with a byte order mark.

#include <cstddef>
#include <string>
#include <string_view>

namespace rolewise {

namespace detail {

/// What stands for bytes that are no UTF-8: U+FFFD, the replacement character.
inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

/// The bytes at the beginning of a text that are one character, or that could have begun one.
struct utf8_piece {
  std::size_t length = 1;
  bool is_character = false;
};

/// Table 3-7 of the Unicode standard: no overlong form, no surrogate, nothing above U+10FFFF.
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

/// The text with U+FFFD for what is no UTF-8, one for each longest run of bytes that could have
/// begun a character, as browsers and Python do it. All writers of JSON, CSV, SVG, HTML and
/// Markdown write names so.
[[nodiscard]] inline std::string valid_utf8(std::string_view text)
{
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const auto [length, is_character] = first_piece(text);
    valid += is_character ? text.substr(0, length) : replacement_character;
    text.remove_prefix(length);
  }
  return valid;
}

/// Bytes of the byte order mark of UTF-8 that a text begins with: 3 or 0.
[[nodiscard]] constexpr std::size_t byte_order_mark_of(std::string_view text)
{
  return text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
}

}  // namespace detail

/// `UTF-16` or `UTF-32` if a text says so by its byte order mark, or by the zeros beside its first
/// letter; nothing for what may be UTF-8.
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

/// A text without the byte order mark (EF BB BF) that some editors and spreadsheets write before
/// UTF-8. All readers of this library pass it over.
[[nodiscard]] constexpr std::string_view after_byte_order_mark(std::string_view text)
{
  return text.substr(detail::byte_order_mark_of(text));
}

}  // namespace rolewise
