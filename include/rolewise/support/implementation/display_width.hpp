// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/display_width.hpp>.

#include <rolewise/support/display_width.hpp>

namespace rolewise::support {

ROLEWISE_INLINE std::string cut_to_width(std::string_view text, std::size_t columns)
{
  std::string line;
  std::size_t used = 0, end_with_mark = 0;  // `end_with_mark`: where to cut if it is too long
  while (!text.empty()) {
    const auto c = detail::first_character(text);
    const auto width = detail::width_of(c.code);
    if (used + width > columns) {
      line.resize(end_with_mark);
      return columns == 0 ? line : line += "\u2026";
    }
    if (detail::is_control(c.code))
      line += '?';
    else if (c.is_valid)
      line += text.substr(0, c.bytes);
    else
      line += "\uFFFD";
    used += width;
    if (used < columns) end_with_mark = line.size();
    text.remove_prefix(c.bytes);
  }
  return line;
}

}  // namespace rolewise::support
