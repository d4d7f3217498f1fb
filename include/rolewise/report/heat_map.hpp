// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Heat maps: row labels on the left, cells in the middle, color bar on the right (SVG).

#include <rolewise/report/detail/axis.hpp>
#include <rolewise/report/detail/heat_colors.hpp>
#include <rolewise/report/detail/svg.hpp>
#include <rolewise/report/write_svg.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
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

/// Label of a column and the index of the column.
struct column_tick {
  std::string label;
  std::int64_t column = 0;
};

/// Ticks at regular distances, chosen so that their labels do not touch.
[[nodiscard]] inline std::vector<column_tick> column_ticks(std::int64_t first, std::int64_t columns,
                                                           std::int64_t cell_width)
{
  constexpr double least_gap = 10.0;
  const auto room = least_gap + std::max(text_width(std::to_string(first)),
                                         text_width(std::to_string(first + columns - 1)));
  std::int64_t step = 1, power = 1;
  for (int k = 1; static_cast<double>(step * cell_width) < room; ++k) {
    if (k % 3 == 0) power *= 10;
    step = power * (k % 3 == 0 ? 1 : k % 3 == 1 ? 2 : 5);
  }
  std::vector<column_tick> ticks;
  for (auto column = (step - first % step) % step; column < columns; column += step)
    ticks.push_back({std::to_string(first + column), column});
  return ticks;
}

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

  explicit heat_map_layout(const heat_map& map) : scale{{map.least, map.greatest}, false}
  {
    const auto columns = static_cast<std::int64_t>(map.rows.front().size());
    const auto cell = std::clamp<std::int64_t>(720 / columns, 1, 48);
    cell_width = static_cast<double>(cell);
    ticks = column_ticks(map.first_column, columns, cell);
    has_empty = std::ranges::any_of(map.rows, [](const auto& row) {
      return std::ranges::any_of(row, [](const auto& x) { return !x.has_value(); });
    });
    double labels = 0.0, numbers = text_width(map.value_label) - bar_width - words_gap;
    for (const auto& label : map.row_labels) labels = std::max(labels, text_width(label));
    for (const auto& t : scale.ticks()) numbers = std::max(numbers, text_width(t.label));
    if (has_empty) numbers = std::max(numbers, text_width(map.empty_label));
    double below = text_width(map.x_label);
    for (const auto& t : ticks) below = std::max(below, text_width(t.label));

    left = margin + std::ceil(labels) + 8.0;
    top = margin + (map.title.empty() ? 0.0 : 28.0) + (map.value_label.empty() ? 4.0 : 26.0);
    plot_width = cell_width * static_cast<double>(columns);
    bottom = top + row_height * static_cast<double>(map.rows.size());
    bar_left = left + plot_width + 22.0;
    bar_height = std::max(bottom - top, 110.0);
    width = margin +
            std::ceil(std::max({bar_left + bar_width + words_gap + numbers,
                                left + text_width(map.title, title_lettering.size), margin + below,
                                left + plot_width / 2.0 + text_width(map.x_label) / 2.0}));
    height = std::max(bottom + 28.0 + (map.x_label.empty() ? 0.0 : 24.0),
                      top + bar_height + (has_empty ? 30.0 : 0.0) + margin);
  }

  /// Center of a text near `x`, moved so that none of the text is cut off.
  [[nodiscard]] double middle_near(double x, std::string_view words) const
  {
    const double half = text_width(words) / 2.0 + 1.0;
    return std::max(margin + half, std::min(x, width - half - 1.0));
  }
};

inline void draw_empty(svg& sheet, const box& cell)
{
  sheet.fill(cell, empty_cell_color);
  sheet.fill({cell.left, cell.top + cell.height / 2.0 - 1.0, cell.width, 2.0},
             empty_cell_line_color);
}

/// Draws the cells. Equal neighbors in a row share a box, so a schedule has few boxes, however
/// many epochs.
inline void draw_cells(svg& sheet, const heat_map_layout& at, const heat_map& map)
{
  sheet.begin_group("cells");
  for (std::size_t r = 0; r < map.rows.size(); ++r) {
    const auto& row = map.rows[r];
    for (std::size_t begin = 0, end = 0; begin < row.size(); begin = end) {
      while (end < row.size() && row[end] == row[begin]) ++end;
      const box cells{at.left + at.cell_width * static_cast<double>(begin),
                      at.top + at.row_height * static_cast<double>(r) + 1.0,
                      at.cell_width * static_cast<double>(end - begin), at.row_height - 2.0};
      if (row[begin])
        sheet.fill(cells,
                   code_of(heat_color((*row[begin] - map.least) / (map.greatest - map.least))));
      else
        draw_empty(sheet, cells);
    }
  }
  sheet.end_group();
}

/// Draws the color bar, greatest number on top, and below it the swatch of empty cells.
inline void draw_color_bar(svg& sheet, const heat_map_layout& at, const heat_map& map)
{
  constexpr int steps = 64;
  sheet.begin_group("colors");
  for (int k = 0; k < steps; ++k) {
    const double begin = std::floor(at.bar_height * k / steps);
    const double end = std::floor(at.bar_height * (k + 1) / steps);
    sheet.fill({at.bar_left, at.top + begin, at.bar_width, end - begin},
               code_of(heat_color(1.0 - static_cast<double>(k) / (steps - 1))));
  }
  sheet.end_group();
  const double right = at.bar_left + at.bar_width;
  for (const auto& t : at.scale.ticks()) {
    const double y = at.top + std::round((1.0 - at.scale.share(t.at)) * (at.bar_height - 1.0));
    sheet.fill({right, y, 4.0, 1.0}, axis_color);
    sheet.write(t.label, {right + at.words_gap, y + 4.0});
  }
  sheet.write(map.value_label, {at.bar_left, at.top - 16.0});
  if (!at.has_empty) return;
  const double below = at.top + at.bar_height + 14.0;
  draw_empty(sheet, {at.bar_left, below, at.bar_width, 16.0});
  sheet.write(map.empty_label, {right + at.words_gap, below + 12.0});
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
  using namespace detail;
  require_heat_map(map);
  const heat_map_layout at{map};
  svg sheet{at.width, at.height, edges::crisp};
  sheet.write(map.title, {at.left, at.margin + 15.0}, title_lettering);
  for (std::size_t r = 0; r < map.row_labels.size(); ++r)
    sheet.write(map.row_labels[r],
                {at.left - 8.0, at.top + at.row_height * (static_cast<double>(r) + 0.5) + 4.0},
                {.side = anchor::end});
  draw_cells(sheet, at, map);
  for (const auto& t : at.ticks) {
    const double x = at.left + std::floor(at.cell_width * (static_cast<double>(t.column) + 0.5));
    sheet.fill({x, at.bottom + 1.0, 1.0, 4.0}, axis_color);
    sheet.write(t.label, {at.middle_near(x, t.label), at.bottom + 20.0}, {.side = anchor::middle});
  }
  sheet.write(map.x_label,
              {at.middle_near(at.left + at.plot_width / 2.0, map.x_label), at.bottom + 42.0},
              {.side = anchor::middle});
  draw_color_bar(sheet, at, map);
  return sheet.finished();
}

}  // namespace rolewise::report
