// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/heat_map.hpp>.

#include <rolewise/report/heat_map.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>

namespace rolewise::report::detail {

ROLEWISE_INLINE void require_heat_map(const heat_map& map)
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

ROLEWISE_INLINE std::vector<column_tick> column_ticks(std::int64_t first, std::int64_t columns,
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

ROLEWISE_INLINE heat_map_layout::heat_map_layout(const heat_map& map)
    : scale{{map.least, map.greatest}, false}
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

ROLEWISE_INLINE double heat_map_layout::middle_near(double x, std::string_view words) const
{
  const double half = text_width(words) / 2.0 + 1.0;
  return std::max(margin + half, std::min(x, width - half - 1.0));
}

ROLEWISE_INLINE void draw_empty(svg& sheet, const box& cell)
{
  sheet.fill(cell, empty_cell_color);
  sheet.fill({cell.left, cell.top + cell.height / 2.0 - 1.0, cell.width, 2.0},
             empty_cell_line_color);
}

ROLEWISE_INLINE void draw_cells(svg& sheet, const heat_map_layout& at, const heat_map& map)
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

ROLEWISE_INLINE void draw_color_bar(svg& sheet, const heat_map_layout& at, const heat_map& map)
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

}  // namespace rolewise::report::detail

namespace rolewise::report {

ROLEWISE_INLINE std::string svg_text(const heat_map& map)
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
