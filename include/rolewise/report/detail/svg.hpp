// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// SVG writer of all charts, heat maps and contact sheets.

#include <rolewise/report/statistics.hpp>
#include <rolewise/report/table.hpp>
#include <rolewise/support/display_width.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::report::detail {

/// Seven colors that readers with red-green color blindness can distinguish, too. Okabe, Ito:
/// Color Universal Design, 2008; without yellow, which is faint on white.
inline constexpr std::array<std::string_view, 7> line_colors{
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"};
/// Dash patterns: after seven curves, colors repeat with the next pattern.
inline constexpr std::array<std::string_view, 4> line_dashes{"", "7 4", "2 3", "9 3 2 3"};
inline constexpr std::string_view text_color = "#333333";
inline constexpr std::string_view faint_text_color = "#777777";
inline constexpr std::string_view axis_color = "#888888";
inline constexpr std::string_view grid_color = "#e4e4e4";

/// A position in pixels from the upper left corner.
struct spot {
  double x = 0.0;
  double y = 0.0;
};

/// A rectangle in pixels.
struct box {
  double left = 0.0;
  double top = 0.0;
  double width = 0.0;
  double height = 0.0;
};

struct stroke {
  std::string_view color = axis_color;
  double width = 1.0;
  std::string_view dashes{};
};

/// The point of a text that is placed at a position.
enum class anchor : std::uint8_t { begin, middle, end };

struct lettering {
  anchor side = anchor::begin;
  double size = 12.0;  ///< of the font, in pixels
  std::string_view color = text_color;
  bool is_bold = false;
  bool reads_upwards = false;
};

inline constexpr lettering title_lettering{.size = 15.0};

/// Estimated width in pixels of a column of text: viewers choose the font.
[[nodiscard]] constexpr double column_width(double size) { return 0.58 * size; }
[[nodiscard]] constexpr double text_width(std::string_view words, double size = 12.0)
{
  return column_width(size) * static_cast<double>(support::display_width(words));
}

/// The text, truncated if it is estimated to be wider than `width` pixels.
[[nodiscard]] ROLEWISE_INLINE std::string text_within(std::string_view words, double width,
                                                      double size = 12.0);

/// RFC 4648, section 4.
[[nodiscard]] ROLEWISE_INLINE std::string base64(std::string_view bytes);

enum class edges : std::uint8_t {
  smooth,
  crisp  ///< on whole pixels, so that no seam shows between boxes that touch
};

/// An SVG picture on white that is drawn on. Numbers have up to two digits after the point: the
/// same bytes on every machine and in any locale.
class svg {
 public:
  svg(double width, double height, edges drawn = edges::smooth);

  /// Groups what is drawn until `end_group`; viewers show `says` as a tooltip.
  void begin_group(std::string_view of, std::string_view says = {});
  void end_group() { text_ += "</g>\n"; }

  void fill(const box& where, std::string_view color)
  {
    add("rect", place_of(where) + attribute("fill", color));
  }
  void line(spot a, spot b, const stroke& with);
  /// Separate lines in one element, for thousands of them.
  void lines(const std::vector<std::array<spot, 2>>& all, const stroke& with);
  /// A curve between two positions, horizontal at both ends.
  void bow(spot a, spot b, const stroke& with);
  void polyline(const std::vector<spot>& through, const stroke& with);
  void polygon(const std::vector<spot>& corners, std::string_view color, double opacity);
  void dot(spot at, double radius, std::string_view color);
  void cross(spot at, double reach, const stroke& with);
  /// An embedded image, whose pixels stay sharp when they are enlarged.
  /// @param png bytes of a PNG file
  void image(std::string_view png, const box& where);
  /// @param at position of the anchor, on the baseline
  void write(std::string_view words, spot at, const lettering& as = {});

  [[nodiscard]] std::string finished() const { return text_ + "</svg>\n"; }

 private:
  [[nodiscard]] static std::string number(double value);
  [[nodiscard]] static std::string attribute(std::string_view name, std::string_view value)
  {
    return std::string{" "}.append(name).append("=\"").append(value).append("\"");
  }
  [[nodiscard]] static std::string attribute(std::string_view name, double value)
  {
    return attribute(name, number(value));
  }
  [[nodiscard]] static std::string place_of(const box& where);
  [[nodiscard]] static std::string pair_of(spot at) { return number(at.x) + "," + number(at.y); }
  [[nodiscard]] static std::string points_of(const std::vector<spot>& all);
  [[nodiscard]] static std::string look_of(const stroke& with);
  void add(std::string_view element, const std::string& attributes)
  {
    text_.append("<").append(element).append(attributes).append("/>\n");
  }

  std::string text_;
};

}  // namespace rolewise::report::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/detail/implementation/svg.hpp>
#endif
