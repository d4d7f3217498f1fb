// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/interval_chart.hpp>.

#include <rolewise/report/interval_chart.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>

namespace rolewise::report::detail {

ROLEWISE_INLINE void require_rows(const interval_chart& chart)
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

}  // namespace rolewise::report::detail

namespace rolewise::report {

ROLEWISE_INLINE std::string svg_text(const interval_chart& chart)
{
  detail::require_rows(chart);
  detail::extent across;
  across.include(0.0);
  double longest = 0.0;
  for (const auto& row : chart.rows) {
    across.include(row.low);
    across.include(row.high);
    longest = std::max(longest, detail::text_width(row.name));
  }
  const detail::axis axis{across, true};

  constexpr double row_height = 22.0;
  const auto width = static_cast<double>(chart.width);
  const double names = std::min(longest, 0.6 * width - 20.0);
  const double left = 20.0 + names, right = width - 20.0, top = chart.title.empty() ? 16.0 : 42.0;
  const double bottom = top + row_height * static_cast<double>(chart.rows.size());
  const auto x_of = [&](double x) { return left + (right - left) * axis.share(x); };

  detail::svg sheet{width, bottom + (chart.x_label.empty() ? 28.0 : 48.0)};
  sheet.write(chart.title, {12.0, 25.0}, detail::title_lettering);
  for (const auto& tick : axis.ticks()) {
    sheet.line({x_of(tick.at), top}, {x_of(tick.at), bottom}, {.color = detail::grid_color});
    sheet.write(tick.label, {x_of(tick.at), bottom + 19.0}, {.side = detail::anchor::middle});
  }
  sheet.line({x_of(0.0), top}, {x_of(0.0), bottom}, {});
  sheet.line({left, bottom}, {right, bottom}, {});
  sheet.write(chart.x_label, {(left + right) / 2.0, bottom + 38.0},
              {.side = detail::anchor::middle});
  for (std::size_t i = 0; i < chart.rows.size(); ++i) {
    const auto& row = chart.rows[i];
    const double y = top + row_height * (static_cast<double>(i) + 0.5);
    const bool excludes_zero = row.low > 0.0 || row.high < 0.0;
    const auto color = excludes_zero ? detail::line_colors[0] : detail::axis_color;
    sheet.write(detail::text_within(row.name, names), {left - 8.0, y + 4.0},
                {.side = detail::anchor::end});
    sheet.line({x_of(row.low), y}, {x_of(row.high), y}, {.color = color, .width = 2.0});
    sheet.dot({x_of(row.mean), y}, 4.0, color);
  }
  return sheet.finished();
}

}  // namespace rolewise::report
