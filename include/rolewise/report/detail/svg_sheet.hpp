// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// SVG writer for lines, dots and text at fractional pixel positions.

#include <rolewise/report/detail/pens.hpp>
#include <rolewise/report/detail/svg.hpp>
#include <rolewise/report/table.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::report::detail {

/// A position in pixels from the upper left corner.
struct spot {
  double x = 0.0;
  double y = 0.0;
};

struct stroke {
  std::string_view color = "#888888";
  double width = 1.0;
};

/// An attribute of an SVG element with two digits after the point.
[[nodiscard]] inline std::string pixels(std::string_view name, double value)
{
  return std::string{" "}.append(name).append("=\"").append(fixed_text(value, 2)).append("\"");
}

class svg_sheet {
 public:
  svg_sheet(double width, double height)
      : text_{"<svg xmlns=\"http://www.w3.org/2000/svg\"" + pixels("width", width) +
              pixels("height", height) + " viewBox=\"0 0 " + fixed_text(width, 2) + " " +
              fixed_text(height, 2) +
              "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" "
              "fill=\"#333333\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"}
  {}

  /// Groups what is drawn until `end_group`; viewers show `says` as a tooltip.
  void begin_group(std::string_view of, std::string_view says = {})
  {
    text_.append("<g class=\"").append(of).append("\">");
    if (!says.empty()) text_.append("<title>").append(xml_text(says)).append("</title>");
    text_ += "\n";
  }
  void end_group() { text_ += "</g>\n"; }

  void line(spot a, spot b, stroke with)
  {
    text_ += "<line" + pixels("x1", a.x) + pixels("y1", a.y) + pixels("x2", b.x) +
             pixels("y2", b.y) + look_of(with) + "/>\n";
  }
  /// A curve between two positions, horizontal at both ends.
  void bow(spot a, spot b, stroke with)
  {
    const double middle = (a.x + b.x) / 2.0;
    text_ += "<path d=\"M" + pair_of(a) + " C" + pair_of({middle, a.y}) + " " +
             pair_of({middle, b.y}) + " " + pair_of(b) + "\" fill=\"none\"" + look_of(with) +
             "/>\n";
  }
  void polyline(const std::vector<spot>& through, stroke with)
  {
    if (through.empty()) return;
    text_ += "<polyline points=\"";
    for (const auto& at : through) text_ += pair_of(at) + " ";
    text_.back() = '"';
    text_ += " fill=\"none\" stroke-linejoin=\"round\"" + look_of(with) + "/>\n";
  }
  void dot(spot at, double radius, std::string_view color)
  {
    text_ += "<circle" + pixels("cx", at.x) + pixels("cy", at.y) + pixels("r", radius) +
             " fill=\"" + std::string{color} + "\"/>\n";
  }
  void cross(spot at, double reach, stroke with)
  {
    line({at.x - reach, at.y - reach}, {at.x + reach, at.y + reach}, with);
    line({at.x - reach, at.y + reach}, {at.x + reach, at.y - reach}, with);
  }
  /// @param at position of the anchor, on the baseline
  void write(std::string_view words, spot at, anchor side, std::string_view style = {})
  {
    text_ += "<text" + pixels("x", at.x) + pixels("y", at.y);
    if (side != anchor::begin)
      text_ += side == anchor::middle ? " text-anchor=\"middle\"" : " text-anchor=\"end\"";
    text_.append(style).append(">").append(xml_text(words)).append("</text>\n");
  }
  /// A text that reads upwards, centered at a position.
  void write_upwards(std::string_view words, spot at)
  {
    write(words, at, anchor::middle,
          " transform=\"rotate(-90 " + fixed_text(at.x, 2) + " " + fixed_text(at.y, 2) + ")\"");
  }

  [[nodiscard]] std::string finished() const { return text_ + "</svg>\n"; }

 private:
  [[nodiscard]] static std::string pair_of(spot at)
  {
    return fixed_text(at.x, 2) + "," + fixed_text(at.y, 2);
  }
  [[nodiscard]] static std::string look_of(stroke with)
  {
    return std::string{" stroke=\""}.append(with.color).append("\"") +
           pixels("stroke-width", with.width);
  }

  std::string text_;
};

}  // namespace rolewise::report::detail
