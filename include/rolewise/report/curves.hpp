// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Line charts of runs (SVG).

#include <rolewise/report/detail/axis.hpp>
#include <rolewise/report/detail/svg.hpp>
#include <rolewise/report/statistics.hpp>
#include <rolewise/report/table.hpp>
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

/// One line of a chart, with a band around it if it has one.
struct curve {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;       ///< as many; non-finite values leave a gap
  std::vector<double> low{};   ///< lower edge of the band: as many, or none
  std::vector<double> high{};  ///< upper edge
};

/// A line chart: curves over common axes.
struct line_chart {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<curve> curves{};
  std::int64_t width = 760;   ///< pixels; at least 200
  std::int64_t height = 440;  ///< pixels; at least 150
};

/// Several runs as one curve: their mean, in a band from the least to the greatest value.
/// @param runs one series per seed, all of one length; x is 0, 1, ... plus `first_x`
/// @throws std::invalid_argument if there are none or they differ in length
[[nodiscard]] inline curve curve_over_runs(std::string name,
                                           const std::vector<std::vector<double>>& runs,
                                           double first_x = 0.0)
{
  if (runs.empty()) throw_invalid_argument("curve_over_runs", "'", name, "' has no runs");
  curve made{.name = std::move(name), .x = {}, .y = {}};
  for (std::size_t i = 0; i < runs.front().size(); ++i) {
    std::vector<double> here;
    for (const auto& run : runs) {
      if (run.size() != runs.front().size())
        throw_invalid_argument("curve_over_runs", "'", made.name, "' has runs of ",
                               runs.front().size(), " and ", run.size(), " values");
      here.push_back(run[i]);
    }
    const auto summary = statistics_of(here);
    made.x.push_back(first_x + static_cast<double>(i));
    made.y.push_back(summary.mean);
    made.low.push_back(summary.least);
    made.high.push_back(summary.greatest);
  }
  if (runs.size() == 1) made.low = made.high = {};
  return made;
}

namespace detail {

inline void require_curves(const line_chart& chart)
{
  constexpr std::string_view who = "line_chart";
  constexpr double largest = 1e100;  // differences of such numbers are still finite
  if (chart.width < 200 || chart.height < 150)
    throw_invalid_argument(who, "wants at least 200 x 150 pixels, got ", chart.width, " x ",
                           chart.height);
  if (chart.curves.empty()) throw_invalid_argument(who, "has no curves");
  for (const auto& c : chart.curves) {
    if (c.x.empty() || c.x.size() != c.y.size())
      throw_invalid_argument(who, "'", c.name, "' wants as many x as y, at least 1, got ",
                             c.x.size(), " and ", c.y.size());
    if (c.low.size() != c.high.size() || (!c.low.empty() && c.low.size() != c.x.size()))
      throw_invalid_argument(who, "'", c.name, "' wants a band of ", c.x.size(),
                             " values or none, got ", c.low.size(), " and ", c.high.size());
    for (const double x : c.x)
      if (!(std::abs(x) <= largest))
        throw_invalid_argument(who, "'", c.name, "' wants finite x, got ", x);
    for (const auto* values : {&c.y, &c.low, &c.high})
      for (const double y : *values)
        if (std::isfinite(y) && std::abs(y) > largest)
          throw_invalid_argument(who, "'", c.name, "' wants |y| up to 1e100, got ", y);
  }
}

}  // namespace detail

/// A line chart as the text of an SVG picture.
///
/// Ticks are at multiples of 1, 2 or 5 times a power of ten. The legend is on the right, in the
/// order of the curves.
/// @par Determinism
/// The same chart gives the same bytes, whatever the locale.
/// @throws std::invalid_argument for a chart without curves, or a curve whose parts differ in
///         length or whose x are not finite
[[nodiscard]] std::string svg_text(const line_chart& chart);

/// Writes a chart to a file; an existing file is replaced atomically.
/// @throws std::invalid_argument as `svg_text` does
/// @throws std::runtime_error if the file cannot be written
inline void write_svg(const std::string& path, const line_chart& chart)
{
  support::write_file_atomically(path, svg_text(chart));
}

inline std::string svg_text(const line_chart& chart)
{
  detail::require_curves(chart);
  detail::extent across, up;
  std::size_t longest_name = 0;
  for (const auto& c : chart.curves) {
    for (const double x : c.x) across.include(x);
    for (const auto* values : {&c.y, &c.low, &c.high})
      for (const double y : *values) up.include(y);
    longest_name = std::max(longest_name, c.name.size());
  }
  const detail::axis x_axis{across, false}, y_axis{up, true};

  // Names are drawn at 12 pixels, where a letter is about 6.6 wide.
  constexpr double letter = 6.6;
  const auto px = [](double v) { return fixed_text(v, 2); };
  const double width = static_cast<double>(chart.width);
  const double height = static_cast<double>(chart.height);
  const double legend = std::min(40.0 + letter * static_cast<double>(longest_name), 0.4 * width);
  std::size_t longest_tick = 1;
  for (const auto& tick : y_axis.ticks()) longest_tick = std::max(longest_tick, tick.label.size());
  const double left =
      14.0 + (chart.y_label.empty() ? 0.0 : 20.0) + letter * static_cast<double>(longest_tick);
  const double right = width - legend - 14.0, top = chart.title.empty() ? 16.0 : 42.0;
  const double bottom = height - (chart.x_label.empty() ? 28.0 : 48.0);
  const auto x_of = [&](double x) { return left + (right - left) * x_axis.share(x); };
  const auto y_of = [&](double y) { return bottom - (bottom - top) * y_axis.share(y); };

  std::string out = detail::classic_text(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", chart.width, "\" height=\"",
      chart.height, "\" viewBox=\"0 0 ", chart.width, " ", chart.height,
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
    text((left + right) / 2, 25, " text-anchor=\"middle\" font-size=\"15\"", chart.title);
  for (const auto& tick : y_axis.ticks()) {
    line(left, y_of(tick.at), right, y_of(tick.at), " stroke=\"#e4e4e4\"");
    text(left - 6, y_of(tick.at) + 4, " text-anchor=\"end\"", tick.label);
  }
  for (const auto& tick : x_axis.ticks()) {
    line(x_of(tick.at), bottom, x_of(tick.at), bottom + 5, " stroke=\"#888888\"");
    text(x_of(tick.at), bottom + 19, " text-anchor=\"middle\"", tick.label);
  }
  line(left, bottom, right, bottom, " stroke=\"#888888\"");
  line(left, top, left, bottom, " stroke=\"#888888\"");
  if (!chart.x_label.empty())
    text((left + right) / 2, height - 10, " text-anchor=\"middle\"", chart.x_label);
  if (!chart.y_label.empty())
    text(18, (top + bottom) / 2,
         detail::classic_text(" text-anchor=\"middle\" transform=\"rotate(-90 18.00 ",
                              px((top + bottom) / 2), ")\""),
         chart.y_label);

  const auto color_of = [](std::size_t i) {
    return detail::line_colors[i % detail::line_colors.size()];
  };
  const auto stroke_of = [&](std::size_t i) {
    const auto dashes =
        detail::line_strokes[i / detail::line_colors.size() % detail::line_strokes.size()];
    return detail::classic_text(
        " stroke=\"", color_of(i), "\"",
        dashes.empty() ? "" : detail::classic_text(" stroke-dasharray=\"", dashes, "\""));
  };
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    const auto& c = chart.curves[i];
    const auto in_band = [&](std::size_t k) {
      return !c.low.empty() && std::isfinite(c.low[k]) && std::isfinite(c.high[k]);
    };
    detail::for_each_stretch(c.x.size(), in_band, [&](std::size_t begin, std::size_t end) {
      out += "<polygon points=\"";
      for (auto k = begin; k < end; ++k) out += px(x_of(c.x[k])) + "," + px(y_of(c.high[k])) + " ";
      for (auto k = end; k-- > begin;) out += px(x_of(c.x[k])) + "," + px(y_of(c.low[k])) + " ";
      out.back() = '"';
      out += detail::classic_text(" fill=\"", color_of(i), "\" fill-opacity=\"0.15\"/>\n");
    });
  }
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    const auto& c = chart.curves[i];
    const auto is_there = [&](std::size_t k) { return std::isfinite(c.y[k]); };
    detail::for_each_stretch(c.x.size(), is_there, [&](std::size_t begin, std::size_t end) {
      if (end - begin == 1) {
        out +=
            detail::classic_text("<circle cx=\"", px(x_of(c.x[begin])), "\" cy=\"",
                                 px(y_of(c.y[begin])), "\" r=\"3\" fill=\"", color_of(i), "\"/>\n");
        return;
      }
      out += "<polyline points=\"";
      for (auto k = begin; k < end; ++k) out += px(x_of(c.x[k])) + "," + px(y_of(c.y[k])) + " ";
      out.back() = '"';
      out += detail::classic_text(" fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\"",
                                  stroke_of(i), "/>\n");
    });
  }
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    const double y = top + 8.0 + 20.0 * static_cast<double>(i);
    line(right + 14, y, right + 36, y, " stroke-width=\"2\"" + stroke_of(i));
    text(right + 42, y + 4, "", chart.curves[i].name);
  }
  return out + "</svg>\n";
}

}  // namespace rolewise::report
