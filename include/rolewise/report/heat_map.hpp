// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Heat maps: row labels on the left, cells in the middle, color bar on the right (SVG).

#include <rolewise/report/detail/axis.hpp>
#include <rolewise/report/detail/heat_colors.hpp>
#include <rolewise/report/detail/svg.hpp>
#include <rolewise/report/write_svg.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

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

/// The most columns of a heat map; more are an error.
inline constexpr std::size_t most_heat_map_columns = 10'000;

/// The most rows of a heat map; more are an error.
inline constexpr std::size_t most_heat_map_rows = 200;

namespace detail {

ROLEWISE_INLINE void require_heat_map(const heat_map& map);

/// Label of a column and the index of the column.
struct column_tick {
  std::string label;
  std::int64_t column = 0;
};

/// Ticks at regular distances, chosen so that their labels do not touch.
[[nodiscard]] ROLEWISE_INLINE std::vector<column_tick> column_ticks(std::int64_t first,
                                                                    std::int64_t columns,
                                                                    std::int64_t cell_width);

/// Layout of a heat map in whole pixels.
struct heat_map_layout {
  static constexpr double margin = 14.0;
  static constexpr double row_height = 22.0;  ///< two more than a cell
  static constexpr double bar_width = 16.0;
  static constexpr double words_gap = 9.0;  ///< between the color bar and its numbers

  double cell_width, left, top, plot_width, bottom, bar_left, bar_height, width, height;
  bool has_empty;
  axis scale;
  std::vector<column_tick> ticks;

  explicit heat_map_layout(const heat_map& map);

  /// Center of a text near `x`, moved so that none of the text is cut off.
  [[nodiscard]] double middle_near(double x, std::string_view words) const;
};

ROLEWISE_INLINE void draw_empty(svg& sheet, const box& cell);

/// Draws the cells. Equal neighbors in a row share a box, so a schedule has few boxes, however
/// many epochs.
ROLEWISE_INLINE void draw_cells(svg& sheet, const heat_map_layout& at, const heat_map& map);

/// Draws the color bar, greatest number on top, and below it the swatch of empty cells.
ROLEWISE_INLINE void draw_color_bar(svg& sheet, const heat_map_layout& at, const heat_map& map);

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
[[nodiscard]] ROLEWISE_INLINE std::string svg_text(const heat_map& map);

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/heat_map.hpp>
#endif
