// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Forest plots: estimates with their confidence intervals, a row each (SVG).

#include <rolewise/core/display_width.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/file.hpp>
#include <rolewise/report/detail/axis.hpp>
#include <rolewise/report/detail/svg.hpp>
#include <rolewise/report/table.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise {

/// One estimate and the interval around it.
struct interval_row {
  std::string name;
  double mean = 0.0;
  double low = 0.0;   ///< at most `mean`
  double high = 0.0;  ///< at least `mean`

  friend bool operator==(const interval_row&, const interval_row&) = default;
};

/// Estimates over a common axis, from top to bottom; zero has a line of its own.
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
  if (chart.width < 300) refuse(who, "wants at least 300 pixels, got ", chart.width);
  if (chart.rows.empty()) refuse(who, "has no rows");
  for (const auto& row : chart.rows)
    if (!(row.low <= row.mean && row.mean <= row.high && row.low >= -largest &&
          row.high <= largest))
      refuse(who, "'", row.name, "' wants low <= mean <= high, |x| up to 1e100, got ", row.low,
             ", ", row.mean, " and ", row.high);
}

}  // namespace detail

/// A forest plot as the text of an SVG picture. An interval that leaves out zero is drawn in
/// colour, another one in grey.
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
    longest = std::max(longest, display_width(row.name));
  }
  const detail::axis axis{across, true};

  // Names are drawn at 12 pixels, where a letter is about 6.6 wide.
  constexpr double letter = 6.6, row_height = 22.0;
  const auto px = [](double v) { return fixed_text(v, 2); };
  const double width = static_cast<double>(chart.width);
  const double left = std::min(20.0 + letter * static_cast<double>(longest), 0.6 * width);
  const double right = width - 20.0, top = chart.title.empty() ? 16.0 : 42.0;
  const double bottom = top + row_height * static_cast<double>(chart.rows.size());
  const double height = bottom + (chart.x_label.empty() ? 28.0 : 48.0);
  const auto x_of = [&](double x) { return left + (right - left) * axis.share(x); };

  std::string out = detail::classic_text(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", chart.width, "\" height=\"", px(height),
      "\" viewBox=\"0 0 ", chart.width, " ", px(height),
      "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#333333\">\n",
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
  const auto text = [&](double x, double y, std::string_view more, std::string_view words) {
    out += detail::classic_text("<text x=\"", px(x), "\" y=\"", px(y), "\"", more, ">",
                                detail::xml_text(words), "</text>\n");
  };
  const auto line = [&](double x1, double y1, double x2, double y2, std::string_view more) {
    out += detail::classic_text("<line x1=\"", px(x1), "\" y1=\"", px(y1), "\" x2=\"", px(x2),
                                "\" y2=\"", px(y2), "\"", more, "/>\n");
  };

  if (!chart.title.empty())
    text(width / 2, 25, " text-anchor=\"middle\" font-size=\"15\"", chart.title);
  for (const auto& tick : axis.ticks()) {
    line(x_of(tick.at), top, x_of(tick.at), bottom, " stroke=\"#e4e4e4\"");
    text(x_of(tick.at), bottom + 19, " text-anchor=\"middle\"", tick.label);
  }
  line(x_of(0.0), top, x_of(0.0), bottom, " stroke=\"#888888\"");
  line(left, bottom, right, bottom, " stroke=\"#888888\"");
  if (!chart.x_label.empty())
    text((left + right) / 2, height - 10, " text-anchor=\"middle\"", chart.x_label);
  for (std::size_t i = 0; i < chart.rows.size(); ++i) {
    const auto& row = chart.rows[i];
    const double y = top + row_height * (static_cast<double>(i) + 0.5);
    const std::string_view colour =
        row.low > 0.0 || row.high < 0.0 ? detail::line_colours[0] : std::string_view{"#888888"};
    text(left - 8, y + 4, " text-anchor=\"end\"", row.name);
    line(x_of(row.low), y, x_of(row.high), y,
         detail::classic_text(" stroke=\"", colour, "\" stroke-width=\"2\""));
    out += detail::classic_text("<circle cx=\"", px(x_of(row.mean)), "\" cy=\"", px(y),
                                "\" r=\"4\" fill=\"", colour, "\"/>\n");
  }
  return out + "</svg>\n";
}

/// Writes a chart to a file; what was there stays until the new one is whole.
/// @throws std::invalid_argument as `svg_text` does
/// @throws std::runtime_error if the file cannot be written
inline void write_svg(const std::string& path, const interval_chart& chart)
{
  write_file_atomically(path, svg_text(chart));
}

}  // namespace rolewise
