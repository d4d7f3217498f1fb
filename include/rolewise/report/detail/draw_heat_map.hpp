// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Layout and drawing of heat maps: row labels on the left, cells in the middle, color bar on the
/// right.

#include <rolewise/report/detail/axis.hpp>
#include <rolewise/report/detail/heat_colors.hpp>
#include <rolewise/report/detail/pens.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rolewise::report::detail {

/// Label of a column and the index of the column.
struct column_tick {
  std::string label;
  std::int64_t column = 0;
};

/// Ticks at regular distances, chosen so that their labels do not touch.
template<typename Pen>
[[nodiscard]] std::vector<column_tick> column_ticks(std::int64_t first, std::int64_t columns,
                                                    std::int64_t cell_width)
{
  constexpr std::int64_t least_gap = 10;
  const auto room = std::max(Pen::width_of(std::to_string(first)),
                             Pen::width_of(std::to_string(first + columns - 1))) +
                    least_gap;
  std::int64_t step = 1, power = 1;
  for (int k = 1; step * cell_width < room; ++k) {
    if (k % 3 == 0) power *= 10;
    step = power * (k % 3 == 0 ? 1 : k % 3 == 1 ? 2 : 5);
  }
  std::vector<column_tick> ticks;
  const auto late = first % step;
  for (auto column = late == 0  ? 0
                     : late < 0 ? -late
                                : step - late;
       column < columns; column += step)
    ticks.push_back({std::to_string(first + column), column});
  return ticks;
}

/// Layout of a heat map in pixels; text widths are computed by the pen.
template<typename Pen, typename Map>
struct heat_map_layout {
  static constexpr std::int64_t margin = 14;
  static constexpr std::int64_t row_height = 22;  ///< two more than a cell
  static constexpr std::int64_t bar_width = 16;

  std::int64_t cell_width, left, top, plot_width, plot_height, bar_left, bar_height;
  std::int64_t width, height;
  bool has_empty;
  axis scale;
  std::vector<column_tick> ticks;

  explicit heat_map_layout(const Map& map) : scale{{map.least, map.greatest}, false}
  {
    const auto rows = static_cast<std::int64_t>(map.rows.size());
    const auto columns = static_cast<std::int64_t>(map.rows.front().size());
    cell_width = std::clamp<std::int64_t>(720 / columns, 1, 48);
    ticks = column_ticks<Pen>(map.first_column, columns, cell_width);
    std::int64_t labels = 0, numbers = Pen::width_of(map.value_label) - bar_width - 9, below = 0;
    for (const auto& label : map.row_labels) labels = std::max(labels, Pen::width_of(label));
    for (const auto& t : scale.ticks()) numbers = std::max(numbers, Pen::width_of(t.label));
    for (const auto& t : ticks) below = std::max(below, Pen::width_of(t.label));
    has_empty = std::any_of(map.rows.begin(), map.rows.end(), [](const auto& row) {
      return std::any_of(row.begin(), row.end(), [](const auto& x) { return !x.has_value(); });
    });
    if (has_empty) numbers = std::max(numbers, Pen::width_of(map.empty_label));

    left = margin + labels + 8;
    top = margin + (map.title.empty() ? 0 : 28) + (map.value_label.empty() ? 4 : 26);
    plot_width = columns * cell_width;
    plot_height = rows * row_height;
    bar_left = left + plot_width + 22;
    bar_height = std::max<std::int64_t>(plot_height, 110);
    width = std::max({bar_left + bar_width + 9 + numbers, left + Pen::width_of_title(map.title),
                      margin + Pen::width_of(map.x_label), margin + below,
                      left + plot_width / 2 + Pen::width_of(map.x_label) / 2}) +
            margin;
    height = std::max(top + plot_height + 28 + (map.x_label.empty() ? 0 : 24),
                      top + bar_height + (has_empty ? 30 : 0) + margin);
  }

  /// Center of a text near `x`, moved so that none of the text is cut off.
  [[nodiscard]] std::int64_t middle_near(std::int64_t x, const std::string& words) const
  {
    const auto half = Pen::width_of(words) / 2 + 1;
    return std::max(margin + half, std::min(x, width - half - 1));
  }
};

/// Draws the cells. Equal neighbors in a row share a box, so a schedule has few boxes, however
/// many epochs.
template<typename Pen, typename Map>
void draw_cells(Pen& pen, const heat_map_layout<Pen, Map>& at, const Map& map)
{
  pen.begin_group("cells");
  for (std::size_t r = 0; r < map.rows.size(); ++r) {
    const auto& row = map.rows[r];
    const auto top = at.top + static_cast<std::int64_t>(r) * at.row_height + 1;
    for (std::size_t begin = 0, end = 0; begin < row.size(); begin = end) {
      while (end < row.size() && row[end] == row[begin]) ++end;
      const box cells{at.left + static_cast<std::int64_t>(begin) * at.cell_width, top,
                      static_cast<std::int64_t>(end - begin) * at.cell_width, at.row_height - 2};
      if (row[begin]) {
        pen.fill(cells, heat_color((*row[begin] - map.least) / (map.greatest - map.least)));
      } else {
        pen.fill(cells, ground_of_nothing);
        pen.fill({cells.left, top + cells.height / 2 - 1, cells.width, 2}, dash_of_nothing);
      }
    }
  }
  pen.end_group();
}

/// Draws the color bar, greatest number on top, and below it the swatch of empty cells.
template<typename Pen, typename Map>
void draw_color_bar(Pen& pen, const heat_map_layout<Pen, Map>& at, const Map& map)
{
  constexpr std::int64_t most_steps = 64;
  const auto steps = std::min(most_steps, at.bar_height);
  for (std::int64_t k = 0; k < steps; ++k) {
    const auto begin = k * at.bar_height / steps, end = (k + 1) * at.bar_height / steps;
    pen.fill({at.bar_left, at.top + begin, at.bar_width, end - begin},
             heat_color(1.0 - static_cast<double>(k) / static_cast<double>(steps - 1)));
  }
  const auto words_left = at.bar_left + at.bar_width + 9;
  for (const auto& t : at.scale.ticks()) {
    const auto down = (1.0 - at.scale.share(t.at)) * static_cast<double>(at.bar_height - 1);
    const auto y = at.top + static_cast<std::int64_t>(std::lround(down));
    pen.fill({at.bar_left + at.bar_width, y, 4, 1}, tick_gray);
    pen.write(t.label, words_left, y, anchor::begin);
  }
  if (!map.value_label.empty()) pen.write(map.value_label, at.bar_left, at.top - 20, anchor::begin);
  if (!at.has_empty) return;
  const box swatch{at.bar_left, at.top + at.bar_height + 14, at.bar_width, 16};
  pen.fill(swatch, ground_of_nothing);
  pen.fill({swatch.left, swatch.top + 7, swatch.width, 2}, dash_of_nothing);
  pen.write(map.empty_label, words_left, swatch.top + 8, anchor::begin);
}

template<typename Pen, typename Map>
void draw_heat_map(Pen& pen, const Map& map)
{
  const heat_map_layout<Pen, Map> at{map};
  pen.begin(at.width, at.height);
  if (!map.title.empty()) pen.write_title(map.title, at.left, at.margin + 10);
  for (std::size_t r = 0; r < map.row_labels.size(); ++r)
    pen.write(map.row_labels[r], at.left - 8,
              at.top + static_cast<std::int64_t>(r) * at.row_height + at.row_height / 2,
              anchor::end);
  draw_cells(pen, at, map);
  const auto bottom = at.top + at.plot_height;
  for (const auto& t : at.ticks) {
    const auto x = at.left + t.column * at.cell_width + at.cell_width / 2;
    pen.fill({x, bottom + 1, 1, 4}, tick_gray);
    pen.write(t.label, at.middle_near(x, t.label), bottom + 16, anchor::middle);
  }
  if (!map.x_label.empty())
    pen.write(map.x_label, at.middle_near(at.left + at.plot_width / 2, map.x_label), bottom + 38,
              anchor::middle);
  draw_color_bar(pen, at, map);
}

}  // namespace rolewise::report::detail
