// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Forest plots: estimates with their confidence intervals, a row each (SVG).

#include <rolewise/report/detail/axis.hpp>
#include <rolewise/report/detail/pens.hpp>
#include <rolewise/report/detail/svg.hpp>
#include <rolewise/report/detail/svg_sheet.hpp>
#include <rolewise/support/display_width.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::report {

/// One estimate and its confidence interval.
struct interval_row {
  std::string name;
  double mean = 0.0;
  double low = 0.0;   ///< at most `mean`
  double high = 0.0;  ///< at least `mean`

  friend bool operator==(const interval_row&, const interval_row&) = default;
};

/// A forest plot: estimates over a common axis, from top to bottom, with a line at zero.
struct interval_chart {
  std::string title{};
  std::string x_label{};
  std::vector<interval_row> rows{};
  std::int64_t width = 760;  ///< pixels; at least 300. A row is 22 pixels high
};

namespace detail {

inline void require_rows(const interval_chart& chart)
{
  constexpr std::string_view who = "interval_chart";
  constexpr double largest = 1e100;  // differences of such numbers are still finite
  if (chart.width < 300)
    throw_invalid_argument(who, "wants at least 300 pixels, got ", chart.width);
  if (chart.rows.empty()) throw_invalid_argument(who, "has no rows");
  for (const auto& row : chart.rows)
    if (!(row.low <= row.mean && row.mean <= row.high && row.low >= -largest &&
          row.high <= largest))
      throw_invalid_argument(who, "'", row.name,
                             "' wants low <= mean <= high, |x| up to 1e100, got ", row.low, ", ",
                             row.mean, " and ", row.high);
}

}  // namespace detail

/// A forest plot as the text of an SVG picture. Intervals that exclude zero are drawn in color,
/// others in gray.
/// @par Determinism
/// The same chart gives the same bytes, whatever the locale.
/// @throws std::invalid_argument for a chart without rows, or a row whose numbers are out of order
[[nodiscard]] inline std::string svg_text(const interval_chart& chart)
{
  detail::require_rows(chart);
  detail::extent across;
  across.include(0.0);
  std::size_t longest = 0;
  for (const auto& row : chart.rows) {
    across.include(row.low);
    across.include(row.high);
    longest = std::max(longest, support::display_width(row.name));
  }
  const detail::axis axis{across, true};

  // Names are drawn at 12 pixels, where a letter is about 6.6 wide.
  constexpr double letter = 6.6, row_height = 22.0;
  const double width = static_cast<double>(chart.width);
  const double left = std::min(20.0 + letter * static_cast<double>(longest), 0.6 * width);
  const double right = width - 20.0, top = chart.title.empty() ? 16.0 : 42.0;
  const double bottom = top + row_height * static_cast<double>(chart.rows.size());
  const double height = bottom + (chart.x_label.empty() ? 28.0 : 48.0);
  const auto x_of = [&](double x) { return left + (right - left) * axis.share(x); };

  detail::svg_sheet sheet{width, height};
  sheet.write(chart.title, {width / 2, 25}, detail::anchor::middle, " font-size=\"15\"");
  for (const auto& tick : axis.ticks()) {
    sheet.line({x_of(tick.at), top}, {x_of(tick.at), bottom}, {.color = "#e4e4e4"});
    sheet.write(tick.label, {x_of(tick.at), bottom + 19}, detail::anchor::middle);
  }
  sheet.line({x_of(0.0), top}, {x_of(0.0), bottom}, {});
  sheet.line({left, bottom}, {right, bottom}, {});
  sheet.write(chart.x_label, {(left + right) / 2, height - 10}, detail::anchor::middle);
  for (std::size_t i = 0; i < chart.rows.size(); ++i) {
    const auto& row = chart.rows[i];
    const double y = top + row_height * (static_cast<double>(i) + 0.5);
    const detail::stroke with{
        .color = row.low > 0.0 || row.high < 0.0 ? detail::line_colors[0] : detail::stroke{}.color,
        .width = 2.0};
    sheet.write(row.name, {left - 8, y + 4}, detail::anchor::end);
    sheet.line({x_of(row.low), y}, {x_of(row.high), y}, with);
    sheet.dot({x_of(row.mean), y}, 4.0, with.color);
  }
  return sheet.finished();
}

/// Writes a chart to a file; an existing file is replaced atomically.
/// @throws std::invalid_argument as `svg_text` does
/// @throws std::runtime_error if the file cannot be written
inline void write_svg(const std::string& path, const interval_chart& chart)
{
  support::write_file_atomically(path, svg_text(chart));
}

}  // namespace rolewise::report
