// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Text tables for a terminal, for Markdown and for HTML.

#include <rolewise/report/statistics.hpp>
#include <rolewise/support/display_width.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>
#include <rolewise/support/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <iosfwd>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::report {

namespace detail {

/// Escapes text for XML or HTML. Control characters, which XML does not allow, become spaces;
/// invalid UTF-8 and U+FFFE and U+FFFF, which XML does not allow either, become U+FFFD.
[[nodiscard]] ROLEWISE_INLINE std::string xml_text(std::string_view bytes);

}  // namespace detail

/// A table of text cells under a header row. Numeric columns are right-aligned, others
/// left-aligned; a column is numeric if each of its cells is empty, `-`, or begins like a number.
///
/// Columns are as wide as terminals show their cells (`display_width`). Invalid UTF-8 becomes
/// U+FFFD.
class table {
 public:
  /// @throws std::invalid_argument without a column
  explicit table(std::vector<std::string> names);

  /// Adds a row at the end.
  /// @throws std::invalid_argument unless it has one cell per column
  table& add(std::vector<std::string> row);

  /// For a terminal: two spaces between columns, a rule under the header, no trailing spaces. Line
  /// breaks and other characters that would move the cursor are shown as `?`.
  /// @param most columns of the terminal, such as `columns_for_lines(stdout)`. In a wider table
  ///        each row becomes a block with one line per column.
  [[nodiscard]] std::string text(std::size_t most = std::numeric_limits<std::size_t>::max()) const;

  /// Writes `text()`, whatever the stream is.
  friend ROLEWISE_INLINE std::ostream& operator<<(std::ostream& out, const table& shown);

  /// As a Markdown table; `|` and line breaks in cells are escaped.
  [[nodiscard]] std::string markdown() const;

  /// As an HTML `table`; numeric columns have the class `number`.
  [[nodiscard]] std::string html() const;

 private:
  using cells = std::vector<std::string>;

  [[nodiscard]] static cells on_one_line(cells row)
  {
    for (auto& cell : row) cell = support::cut_to_width(cell);
    return row;
  }

  /// Blocks with a line for each column, its name and cell; an empty line between blocks.
  [[nodiscard]] static std::string blocks(const cells& names, const std::vector<cells>& rows,
                                          std::size_t most);

  [[nodiscard]] static std::string repeated(std::string_view part, std::size_t times)
  {
    std::string out;
    while (times-- > 0) out += part;
    return out;
  }

  [[nodiscard]] static bool is_number(std::string_view cell);

  [[nodiscard]] bool is_of_numbers(std::size_t column) const;

  [[nodiscard]] static std::vector<std::size_t> widths_of(const cells& names,
                                                          const std::vector<cells>& rows);

  [[nodiscard]] static cells escaped(const cells& row);

  [[nodiscard]] std::string line_of(const cells& row, const std::vector<std::size_t>& widths,
                                    std::string_view begin, std::string_view between,
                                    std::string_view end) const;

  cells names_;
  std::vector<cells> rows_;
};

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/table.hpp>
#endif
