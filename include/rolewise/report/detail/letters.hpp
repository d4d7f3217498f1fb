// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Bitmap font: five columns, seven rows and one more below the baseline.

#include <array>
#include <cstdint>
#include <string_view>

namespace rolewise::report::detail {

inline constexpr std::int64_t letter_width = 5;
inline constexpr std::int64_t letter_height = 8;

/// Glyphs of the printable ASCII characters, from the space on. Each has one base-32 digit per
/// row, top row first; the highest bit is the left column.
inline constexpr std::array<std::string_view, 95> letters{
    "00000000", "44444040", "aaa00000", "aavavaa0", "4fke5u40", "pp248jj0", "cik8lid0", "44400000",
    "24888420", "84222480", "04lel400", "044v4400", "00000448", "000v0000", "00000cc0", "11248gg0",
    "ehjlphe0", "4c4444e0", "eh168gv0", "v2421he0", "26aiv220", "vgu11he0", "68guhhe0", "v1244880",
    "ehhehhe0", "ehhf12c0", "0cc00cc0", "0cc00cc8", "12484210", "00v0v000", "g84248g0", "eh164040",
    "ehnlmgf0", "4ahhvhh0", "uhhuhhu0", "ehggghe0", "sihhhis0", "vgguggv0", "vgguggg0", "ehgnhhf0",
    "hhhvhhh0", "e44444e0", "72222ic0", "hikokih0", "ggggggv0", "hrllhhh0", "hppljjh0", "ehhhhhe0",
    "uhhuggg0", "ehhhlid0", "uhhukih0", "fgge11u0", "v4444440", "hhhhhhe0", "hhhaa440", "hhhllrh0",
    "hha4ahh0", "hha44440", "v1248gv0", "e88888e0", "gg842110", "e22222e0", "4ah00000", "000000v0",
    "84000000", "00e1fhf0", "gguhhhu0", "00eggge0", "11fhhhf0", "00ehvge0", "688s8880", "00fhhf1e",
    "gguhhhh0", "40c444e0", "2062222c", "ggikoki0", "c44444e0", "00qllll0", "00uhhhh0", "00ehhhe0",
    "00uhhugg", "00fhhf11", "00mpggg0", "00fge1u0", "88u88860", "00hhhhf0", "00hhaa40", "00hhlla0",
    "00ha4ah0", "00hhhf1e", "00v248v0", "34484430", "44444440", "o44244o0", "008l2000",
};

/// Glyph of all other characters: a hollow box.
inline constexpr std::string_view unknown_letter = "vhhhhhv0";

/// Whether a glyph has ink in this row and column.
[[nodiscard]] constexpr bool has_ink(std::string_view picture, std::int64_t row,
                                     std::int64_t column)
{
  const char digit = picture[static_cast<std::size_t>(row)];
  const int bits = digit <= '9' ? digit - '0' : digit - 'a' + 10;
  return ((bits >> (letter_width - 1 - column)) & 1) != 0;
}

/// Calls `f` with the glyph of each character of a UTF-8 text.
template<typename F>
constexpr void for_each_letter(std::string_view text, F&& f)
{
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code >= 0x20 && code < 0x7F)
      f(letters[static_cast<std::size_t>(code - 0x20)]);
    else if ((code & 0xC0U) != 0x80U)  // not the continuation of a character of several bytes
      f(unknown_letter);
  }
}

/// Number of characters of a UTF-8 text.
[[nodiscard]] constexpr std::int64_t letters_in(std::string_view text)
{
  std::int64_t count = 0;
  for_each_letter(text, [&](std::string_view) { ++count; });
  return count;
}

}  // namespace rolewise::report::detail
