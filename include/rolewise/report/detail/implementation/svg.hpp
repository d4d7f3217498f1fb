// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/detail/svg.hpp>.

#include <rolewise/report/detail/svg.hpp>

namespace rolewise::report::detail {

ROLEWISE_INLINE std::string text_within(std::string_view words, double width, double size)
{
  if (text_width(words, size) <= width) return std::string{words};
  return support::cut_to_width(words, static_cast<std::size_t>(width / column_width(size)));
}

ROLEWISE_INLINE std::string base64(std::string_view bytes)
{
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t k = i; k < i + 3; ++k)
      three = three << 8U | (k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? digits[three >> (18U - 6U * k) & 63U] : '=';
  }
  return out;
}

ROLEWISE_INLINE svg::svg(double width, double height, edges drawn)
{
  text_ = "<svg xmlns=\"http://www.w3.org/2000/svg\"" + attribute("width", width) +
          attribute("height", height) + " viewBox=\"0 0 " + number(width) + " " + number(height) +
          "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\"" +
          attribute("fill", text_color) +
          (drawn == edges::crisp ? attribute("shape-rendering", "crispEdges") : "") +
          ">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
}

ROLEWISE_INLINE void svg::begin_group(std::string_view of, std::string_view says)
{
  text_ += "<g" + attribute("class", of) + ">";
  if (!says.empty()) text_ += "<title>" + xml_text(says) + "</title>";
  text_ += "\n";
}

ROLEWISE_INLINE void svg::line(spot a, spot b, const stroke& with)
{
  add("line", attribute("x1", a.x) + attribute("y1", a.y) + attribute("x2", b.x) +
                  attribute("y2", b.y) + look_of(with));
}

ROLEWISE_INLINE void svg::lines(const std::vector<std::array<spot, 2>>& all, const stroke& with)
{
  std::string path;
  for (const auto& [a, b] : all) path += "M" + pair_of(a) + "L" + pair_of(b);
  add("path", attribute("d", path) + look_of(with));
}

ROLEWISE_INLINE void svg::bow(spot a, spot b, const stroke& with)
{
  const double middle = (a.x + b.x) / 2.0;
  add("path", attribute("d", "M" + pair_of(a) + " C" + pair_of({middle, a.y}) + " " +
                                 pair_of({middle, b.y}) + " " + pair_of(b)) +
                  attribute("fill", "none") + look_of(with));
}

ROLEWISE_INLINE void svg::polyline(const std::vector<spot>& through, const stroke& with)
{
  add("polyline", points_of(through) + attribute("fill", "none") +
                      attribute("stroke-linejoin", "round") + look_of(with));
}

ROLEWISE_INLINE void svg::polygon(const std::vector<spot>& corners, std::string_view color,
                                  double opacity)
{
  add("polygon",
      points_of(corners) + attribute("fill", color) + attribute("fill-opacity", opacity));
}

ROLEWISE_INLINE void svg::dot(spot at, double radius, std::string_view color)
{
  add("circle", attribute("cx", at.x) + attribute("cy", at.y) + attribute("r", radius) +
                    attribute("fill", color));
}

ROLEWISE_INLINE void svg::cross(spot at, double reach, const stroke& with)
{
  line({at.x - reach, at.y - reach}, {at.x + reach, at.y + reach}, with);
  line({at.x - reach, at.y + reach}, {at.x + reach, at.y - reach}, with);
}

ROLEWISE_INLINE void svg::image(std::string_view png, const box& where)
{
  add("image", place_of(where) + attribute("image-rendering", "pixelated") +
                   attribute("href", "data:image/png;base64," + base64(png)));
}

ROLEWISE_INLINE void svg::write(std::string_view words, spot at, const lettering& as)
{
  if (words.empty()) return;
  text_ += "<text" + attribute("x", at.x) + attribute("y", at.y);
  if (as.side != anchor::begin)
    text_ += attribute("text-anchor", as.side == anchor::middle ? "middle" : "end");
  if (as.size != lettering{}.size) text_ += attribute("font-size", as.size);
  if (as.is_bold) text_ += attribute("font-weight", "bold");
  if (as.color != text_color) text_ += attribute("fill", as.color);
  if (as.reads_upwards)
    text_ += attribute("transform", "rotate(-90 " + number(at.x) + " " + number(at.y) + ")");
  text_ += ">" + xml_text(words) + "</text>\n";
}

ROLEWISE_INLINE std::string svg::number(double value)
{
  auto text = fixed_text(value, 2);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

ROLEWISE_INLINE std::string svg::place_of(const box& where)
{
  return attribute("x", where.left) + attribute("y", where.top) + attribute("width", where.width) +
         attribute("height", where.height);
}

ROLEWISE_INLINE std::string svg::points_of(const std::vector<spot>& all)
{
  std::string pairs;
  for (const auto& at : all) pairs += (pairs.empty() ? "" : " ") + pair_of(at);
  return attribute("points", pairs);
}

ROLEWISE_INLINE std::string svg::look_of(const stroke& with)
{
  return attribute("stroke", with.color) +
         (with.width == 1.0 ? "" : attribute("stroke-width", with.width)) +
         (with.dashes.empty() ? "" : attribute("stroke-dasharray", with.dashes));
}

}  // namespace rolewise::report::detail
