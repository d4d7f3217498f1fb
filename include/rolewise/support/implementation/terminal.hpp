// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/terminal.hpp>.

#include <rolewise/support/terminal.hpp>

#include <sys/ioctl.h>
#include <unistd.h>
#include <algorithm>
#include <cstdlib>
#include <limits>

namespace rolewise::support {

ROLEWISE_INLINE std::optional<terminal_size> size_of_terminal(std::FILE* stream)
{
  const int number = stream == nullptr ? -1 : ::fileno(stream);
  if (number < 0 || ::isatty(number) != 1) return {};
  terminal_size found;
  winsize window{};
  if (::ioctl(number, TIOCGWINSZ, &window) == 0) {
    if (window.ws_col > 0) found.columns = window.ws_col;
    if (window.ws_row > 0) found.rows = window.ws_row;
  }
  return found;
}

ROLEWISE_INLINE std::size_t columns_for_lines(std::FILE* stream)
{
  const auto size = size_of_terminal(stream);
  if (!size) return std::numeric_limits<std::size_t>::max();
  return std::max<std::size_t>(size->columns - 1, 1);
}

ROLEWISE_INLINE bool can_redraw(std::FILE* stream)
{
  const char* kind = std::getenv("TERM");
  return size_of_terminal(stream) && (kind == nullptr || std::string_view{kind} != "dumb");
}

}  // namespace rolewise::support
