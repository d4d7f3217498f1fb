// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Histogram of the values of one quantized tensor with its levels, as SVG.

#include <rolewise/report/detail/axis.hpp>
#include <rolewise/report/detail/svg.hpp>
#include <rolewise/report/quantization_view.hpp>
#include <rolewise/report/table.hpp>
#include <rolewise/support/classic_text.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::report::detail {

inline constexpr std::string_view bar_color = "#a6d0ea";
inline constexpr std::string_view level_color = "#D55E00";
inline constexpr std::string_view unused_color = "#8a8a8a";

/// Coordinate with two digits: the same bytes on every machine.
[[nodiscard]] inline std::string pixels_text(double x) { return fixed_text(x, 2); }

[[nodiscard]] inline std::string svg_line(double x1, double y1, double x2, double y2,
                                          std::string_view style)
{
  return classic_text("<line x1=\"", pixels_text(x1), "\" y1=\"", pixels_text(y1), "\" x2=\"",
                      pixels_text(x2), "\" y2=\"", pixels_text(y2), "\" ", style, "/>\n");
}

[[nodiscard]] inline std::string svg_words(double x, double y, std::string_view style,
                                           std::string_view words)
{
  return classic_text("<text x=\"", pixels_text(x), "\" y=\"", pixels_text(y), "\"",
                      style.empty() ? "" : " ", style, ">", xml_text(words), "</text>\n");
}

[[nodiscard]] inline std::string in_use() { return classic_text("stroke=\"", level_color, "\""); }
[[nodiscard]] inline std::string unused()
{
  return classic_text("stroke=\"", unused_color, "\" stroke-dasharray=\"2 3\"");
}
[[nodiscard]] inline std::string svg_dot(double x, double y)
{
  return classic_text("<circle cx=\"", pixels_text(x), "\" cy=\"", pixels_text(y),
                      "\" r=\"2.4\" fill=\"", level_color, "\"/>\n");
}

/// `2 bits · 4/4 levels · clipped 0.31 % · error 11.9 %`, then zeros, step unit and gain if they
/// apply.
[[nodiscard]] inline std::string caption_of(const quantization_view& view, bool shows_zeros)
{
  const auto percent = [](double share, int digits) {
    return fixed_text(100.0 * share, digits) + " %";
  };
  constexpr const char* dot = " \u00B7 ";
  std::string words =
      classic_text(view.bits.value(), view.bits.value() == 1 ? " bit" : " bits", dot, view.used,
                   "/", view.possible, " levels", dot, "clipped ", percent(view.clipped(), 2), dot,
                   "error ", percent(view.is_fitted ? view.fitted_error : view.error, 1));
  if (shows_zeros) words += dot + ("zero " + percent(view.zero_share(), 0));
  if (view.is_in_steps) words += dot + std::string{"in steps"};
  if (view.is_fitted) words += dot + ("levels \u00D7 " + fixed_text(view.gain, 3));
  return words;
}

/// Draws a view: a caption, histogram bars with a line at each level, and an axis.
class quantization_panel {
 public:
  static constexpr double caption_height = 18.0;
  static constexpr double plot_height = 58.0;
  static constexpr double axis_height = 18.0;
  static constexpr double height = caption_height + plot_height + axis_height;

  quantization_panel(const quantization_view& view, double left, double top, double width)
      : view_{view},
        axis_{{view.low, view.high}, false},
        left_{left},
        width_{width},
        top_{top + caption_height},
        bottom_{top_ + plot_height}
  {}

  [[nodiscard]] std::string text(bool shows_zeros) const
  {
    return "<g>\n" +
           svg_words(left_, top_ - 6, "font-size=\"11\"", caption_of(view_, shows_zeros)) + bars() +
           levels() + axis_text() + "</g>\n";
  }

 private:
  static constexpr double margin = 0.02;         // of the width; keeps the end levels off the edges
  static constexpr std::size_t most_lines = 36;  // more levels are ticks below the axis

  [[nodiscard]] double x_of(double value) const
  {
    return left_ + width_ * (margin + (1.0 - 2.0 * margin) * axis_.share(value));
  }

  /// Count that fills the height of the plot. The highest bar may be cut off, so that the many
  /// zeros after a ReLU do not flatten the others.
  [[nodiscard]] double full_height() const
  {
    auto counts = view_.bins;
    std::sort(counts.begin(), counts.end(), std::greater<>{});
    const auto first = static_cast<double>(counts[0]), second = static_cast<double>(counts[1]);
    return std::max(second > 0.0 && first > 2.0 * second ? 1.3 * second : 1.05 * first, 1.0);
  }

  /// All bars as one path, since a page has thousands of them; each is a line slightly narrower
  /// than its interval.
  [[nodiscard]] std::string bars() const
  {
    const double full = full_height();
    const double step = (view_.high - view_.low) / static_cast<double>(view_.bins.size());
    const double bar_width = x_of(view_.low + step) - x_of(view_.low);
    const auto foot = fixed_text(bottom_, 1);
    std::string path, cuts;
    for (std::size_t i = 0; i < view_.bins.size(); ++i) {
      if (view_.bins[i] == 0) continue;
      const double share = static_cast<double>(view_.bins[i]) / full;
      const double x = x_of(view_.low + step * (static_cast<double>(i) + 0.5));
      const double rise = std::max(plot_height * std::min(share, 1.0), 0.5);
      path += "M" + pixels_text(x) + " " + foot + "V" + fixed_text(bottom_ - rise, 1);
      if (share > 1.0)
        cuts += svg_line(x - bar_width / 2 - 2, top_ + 10, x + bar_width / 2 + 2, top_ + 5,
                         "stroke=\"#ffffff\" stroke-width=\"2.5\"");
    }
    return classic_text("<path d=\"", path, "\" stroke=\"", bar_color, "\" stroke-width=\"",
                        pixels_text(bar_width - 0.4), "\"/>\n", cuts);
  }

  /// A line at each level, with a dot at the height of its count relative to the greatest count.
  [[nodiscard]] std::string levels() const
  {
    std::int64_t most = 1;
    for (const auto& level : view_.levels) most = std::max(most, level.count);
    const bool are_lines = view_.levels.size() <= most_lines;
    std::string lines, dots;
    if (!are_lines)
      lines = svg_line(x_of(view_.levels.front().at), bottom_ + 3, x_of(view_.levels.back().at),
                       bottom_ + 3, classic_text("stroke=\"", unused_color, "\""));
    for (const auto& [at, count] : view_.levels) {
      const double x = x_of(at);
      const auto stroke = count > 0 ? in_use() : unused();
      if (are_lines)
        lines += svg_line(x, top_, x, bottom_, stroke);
      else if (count > 0)
        lines += svg_line(x, bottom_ + 1, x, bottom_ + 5, stroke);
      if (!are_lines || count == 0) continue;
      const double share = static_cast<double>(count) / static_cast<double>(most);
      dots += svg_dot(x, bottom_ - share * (plot_height - 4));
    }
    return lines + dots;
  }

  [[nodiscard]] std::string axis_text() const
  {
    std::string out =
        svg_line(left_, bottom_ + 0.5, left_ + width_, bottom_ + 0.5, "stroke=\"#666666\"");
    for (const auto& tick : axis_.ticks())
      out += svg_words(x_of(tick.at), bottom_ + 15,
                       "text-anchor=\"middle\" font-size=\"9\" fill=\"#777777\"", tick.label);
    return out;
  }

  const quantization_view& view_;
  axis axis_;
  double left_, width_, top_, bottom_;
};

}  // namespace rolewise::report::detail
