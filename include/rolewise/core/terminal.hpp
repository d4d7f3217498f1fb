// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Whether a stream is a terminal, and how large its window is.

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

namespace rolewise {

/// Characters in a line and lines in a window of a terminal; each at least 1.
struct terminal_size {
  std::size_t columns = 80;
  std::size_t rows = 24;

  friend bool operator==(const terminal_size&, const terminal_size&) = default;
};

/// The size that the window of a terminal has now: it is asked each time, so that whoever draws
/// keeps up with a user who changes it. A terminal that doesn't know it, such as a serial line, is
/// taken for one of 80 columns and 24 rows.
/// @return nothing for a stream that is no terminal
[[nodiscard]] inline std::optional<terminal_size> size_of_terminal(std::FILE* stream)
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

/// Columns that a line may take on a stream so that it stays one: one less than a terminal has, for
/// some go on to the next line once the last column is written; as many as there are elsewhere.
[[nodiscard]] inline std::size_t columns_for_lines(std::FILE* stream)
{
  const auto size = size_of_terminal(stream);
  if (!size) return std::numeric_limits<std::size_t>::max();
  return std::max<std::size_t>(size->columns - 1, 1);
}

/// Whether lines that are on a stream can be written over: it is a terminal, and none that says of
/// itself that it only prints (`TERM=dumb`).
[[nodiscard]] inline bool can_redraw(std::FILE* stream)
{
  const char* kind = std::getenv("TERM");
  return size_of_terminal(stream) && (kind == nullptr || std::string_view{kind} != "dumb");
}

}  // namespace rolewise
