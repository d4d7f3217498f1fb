// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/curves.hpp>.

#include <rolewise/report/curves.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>

namespace rolewise::report {

ROLEWISE_INLINE curve curve_over_runs(std::string name,
                                      const std::vector<std::vector<double>>& runs, double first_x)
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

}  // namespace rolewise::report

namespace rolewise::report::detail {

ROLEWISE_INLINE void require_curves(const line_chart& chart)
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

ROLEWISE_INLINE stroke stroke_of(std::size_t curve_number)
{
  const auto colors = line_colors.size();
  return {.color = line_colors[curve_number % colors],
          .width = 2.0,
          .dashes = line_dashes[curve_number / colors % line_dashes.size()]};
}

ROLEWISE_INLINE void draw_band(svg& sheet, const plot_frame& frame, const curve& c,
                               const stroke& with)
{
  const auto in_band = [&](std::size_t k) {
    return !c.low.empty() && std::isfinite(c.low[k]) && std::isfinite(c.high[k]);
  };
  for_each_stretch(c.x.size(), in_band, [&](std::size_t begin, std::size_t end) {
    std::vector<spot> corners;
    for (auto k = begin; k < end; ++k) corners.push_back(frame.at(c.x[k], c.high[k]));
    for (auto k = end; k-- > begin;) corners.push_back(frame.at(c.x[k], c.low[k]));
    sheet.polygon(corners, with.color, 0.15);
  });
}

ROLEWISE_INLINE void draw_curve(svg& sheet, const plot_frame& frame, const curve& c,
                                const stroke& with)
{
  const auto is_there = [&](std::size_t k) { return std::isfinite(c.y[k]); };
  for_each_stretch(c.x.size(), is_there, [&](std::size_t begin, std::size_t end) {
    std::vector<spot> through;
    for (auto k = begin; k < end; ++k) through.push_back(frame.at(c.x[k], c.y[k]));
    if (through.size() > 1)
      sheet.polyline(through, with);
    else
      sheet.dot(through[0], 3.0, with.color);
  });
}

ROLEWISE_INLINE plot_frame frame_of(const line_chart& chart, double legend)
{
  extent across, up;
  for (const auto& c : chart.curves) {
    for (const double x : c.x) across.include(x);
    for (const auto* values : {&c.y, &c.low, &c.high})
      for (const double y : *values) up.include(y);
  }
  plot_frame frame{
      .across = axis{across, false},
      .up = axis{up, true},
      .left = 0.0,
      .top = chart.title.empty() ? 16.0 : 42.0,
      .right = static_cast<double>(chart.width) - legend - 14.0,
      .bottom = static_cast<double>(chart.height) - (chart.x_label.empty() ? 28.0 : 48.0)};
  for (const auto& tick : frame.up.ticks())
    frame.left = std::max(frame.left, text_width(tick.label));
  frame.left += chart.y_label.empty() ? 14.0 : 34.0;
  return frame;
}

}  // namespace rolewise::report::detail

namespace rolewise::report {

ROLEWISE_INLINE std::string svg_text(const line_chart& chart)
{
  using namespace detail;
  require_curves(chart);
  const auto width = static_cast<double>(chart.width);
  constexpr double key = 40.0;  // of the legend, a line and gaps
  double names = 0.0;
  for (const auto& c : chart.curves) names = std::max(names, text_width(c.name));
  names = std::min(names, 0.4 * width - key);
  const auto frame = frame_of(chart, key + names);

  svg sheet{width, static_cast<double>(chart.height)};
  frame.draw(sheet, chart.title, chart.x_label, chart.y_label, frame.across.ticks());
  for (std::size_t i = 0; i < chart.curves.size(); ++i)
    draw_band(sheet, frame, chart.curves[i], stroke_of(i));
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    draw_curve(sheet, frame, chart.curves[i], stroke_of(i));
    const double y = frame.top + 8.0 + 20.0 * static_cast<double>(i);
    sheet.line({frame.right + 14.0, y}, {frame.right + 36.0, y}, stroke_of(i));
    sheet.write(text_within(chart.curves[i].name, names), {frame.right + 42.0, y + 4.0});
  }
  return sheet.finished();
}

}  // namespace rolewise::report
