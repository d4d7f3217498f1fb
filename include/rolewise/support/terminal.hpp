// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Whether a stream is a terminal, and how large its window is.

#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdio>
#include <optional>
#include <string_view>

namespace rolewise::support {

/// Size of a terminal window in columns and rows; each at least 1.
struct terminal_size {
  std::size_t columns = 80;
  std::size_t rows = 24;

  friend bool operator==(const terminal_size&, const terminal_size&) = default;
};

/// Returns the current size of a terminal window, queried on each call so that drawing follows a
/// resize. A terminal that does not report it, such as a serial line, counts as 80 columns by 24
/// rows.
/// @return nothing for a stream that is not a terminal
[[nodiscard]] ROLEWISE_INLINE std::optional<terminal_size> size_of_terminal(std::FILE* stream);

/// Columns that a line may take on a stream without wrapping: one less than a terminal has, since
/// some wrap once the last column is written; unlimited on other streams.
[[nodiscard]] ROLEWISE_INLINE std::size_t columns_for_lines(std::FILE* stream);

/// Whether lines on a stream can be overwritten: it is a terminal, and not one that only prints
/// (`TERM=dumb`).
[[nodiscard]] ROLEWISE_INLINE bool can_redraw(std::FILE* stream);

}  // namespace rolewise::support

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/terminal.hpp>
#endif
