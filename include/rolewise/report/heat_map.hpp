// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Heat maps (SVG and pixels).

#include <rolewise/core/tensor.hpp>
#include <rolewise/report/detail/draw_heat_map.hpp>
#include <rolewise/report/detail/pens.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::report {

/// A heat map: numbers in labeled rows and numbered columns, such as operations over epochs.
///
/// Colors go from pale yellow (the least) over green to dark blue (the greatest). Greater numbers
/// are darker in equal steps of lightness (CIE L* 93 to 20), so a grayscale print shows the same
/// order. A cell without a number is nearly white with a line through it.
struct heat_map {
  std::string title;
  std::string x_label;                                   ///< what the columns count
  std::vector<std::string> row_labels;                   ///< one for each row
  std::vector<std::vector<std::optional<double>>> rows;  ///< first row on top; of equal length
  double least = 0.0;                                    ///< number of the palest color
  double greatest = 1.0;                                 ///< number of the darkest; above the least
  std::string value_label{};         ///< what the numbers are, above the color bar
  std::string empty_label = "none";  ///< what a cell without a number means; shown if there is one
  std::int64_t first_column = 0;     ///< the number of the first column
};

inline constexpr std::size_t most_heat_map_columns = 10'000;
inline constexpr std::size_t most_heat_map_rows = 200;

namespace detail {

inline void require_heat_map(const heat_map& map)
{
  constexpr std::string_view who = "heat_map";
  constexpr double largest = 1e100;  // differences of such numbers are still finite
  constexpr std::int64_t furthest = 1'000'000'000'000;
  if (!(std::abs(map.least) <= largest && std::abs(map.greatest) <= largest &&
        map.least < map.greatest))
    throw_invalid_argument(who, "the range is ", map.least, " .. ", map.greatest,
                           ", want two numbers up to 1e100, the first below the second");
  if (map.first_column < -furthest || map.first_column > furthest)
    throw_invalid_argument(who, "the first column is ", map.first_column, ", want -1e12 .. 1e12");
  if (map.rows.empty() || map.rows.size() > most_heat_map_rows)
    throw_invalid_argument(who, "got ", map.rows.size(), " rows, want 1 .. ", most_heat_map_rows);
  if (map.row_labels.size() != map.rows.size())
    throw_invalid_argument(who, "got ", map.row_labels.size(), " labels for ", map.rows.size(),
                           " rows");
  const auto columns = map.rows.front().size();
  if (columns < 1 || columns > most_heat_map_columns)
    throw_invalid_argument(who, "got ", columns, " columns, want 1 .. ", most_heat_map_columns);
  for (std::size_t r = 0; r < map.rows.size(); ++r) {
    if (map.rows[r].size() != columns)
      throw_invalid_argument(who, "row '", map.row_labels[r], "' has ", map.rows[r].size(),
                             " cells, row '", map.row_labels[0], "' has ", columns);
    for (std::size_t c = 0; c < columns; ++c)
      if (const auto x = map.rows[r][c]; x && !(*x >= map.least && *x <= map.greatest))
        throw_invalid_argument(who, "cell ", c, " of row '", map.row_labels[r], "' is ", *x,
                               ", want ", map.least, " .. ", map.greatest,
                               ", or no number for an empty cell");
  }
}

}  // namespace detail

/// A heat map as the text of an SVG picture.
///
/// Neighbors in a row that have the same number share one `rect`; an empty cell has a second
/// `rect`, its line. Columns are 1 to 48 pixels wide, so that the picture is not narrow with few
/// of them and not wide with up to 720.
/// @par Determinism
/// The same map gives the same bytes, whatever the locale.
/// @throws std::invalid_argument unless there are 1 to 200 rows with a label each, of equal
///         length, of 1 to 10 000 cells that are empty or within the range
[[nodiscard]] inline std::string svg_text(const heat_map& map)
{
  detail::require_heat_map(map);
  detail::svg_pen pen;
  detail::draw_heat_map(pen, map);
  return pen.finished();
}

/// A heat map as pixels, for `write_png`, with the layout of the SVG. In labels, characters
/// outside ASCII are shown as boxes.
/// @return `[3, H, W]`, uint8, on the CPU
/// @throws std::invalid_argument as `svg_text` does
[[nodiscard]] inline torch::Tensor pixels_of(const heat_map& map)
{
  detail::require_heat_map(map);
  detail::pixel_pen pen;
  detail::draw_heat_map(pen, map);
  return pen.finished();
}

/// Writes a heat map to a file; an existing file is replaced atomically.
/// @throws std::invalid_argument as `svg_text` does
/// @throws std::runtime_error if the file cannot be written
inline void write_svg(const std::string& path, const heat_map& map)
{
  support::write_file_atomically(path, svg_text(map));
}

}  // namespace rolewise::report
