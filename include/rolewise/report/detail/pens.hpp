// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Two drawing back ends with the same interface: SVG and pixels.

#include <rolewise/core/tensor.hpp>
#include <rolewise/report/detail/canvas.hpp>
#include <rolewise/report/detail/heat_colors.hpp>
#include <rolewise/report/detail/letters.hpp>
#include <rolewise/report/detail/svg.hpp>
#include <rolewise/support/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rolewise::report::detail {

/// Text anchor: the point of a text that is placed at the given position.
enum class anchor : std::uint8_t { begin, middle, end };

/// A rectangle in whole pixels.
struct box {
  std::int64_t left = 0;
  std::int64_t top = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
};

/// Draws to the text of an SVG picture. Widths of texts are estimates: the viewer chooses the
/// font.
class svg_pen {
 public:
  [[nodiscard]] static std::int64_t width_of(std::string_view words)
  {
    return 7 * letters_in(words);  // a letter of 12 pixels is about 6.6 wide
  }
  [[nodiscard]] static std::int64_t width_of_title(std::string_view words)
  {
    return 9 * letters_in(words);
  }

  void begin(std::int64_t width, std::int64_t height)
  {
    text_ = classic_text("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", width,
                         "\" height=\"", height, "\" viewBox=\"0 0 ", width, " ", height,
                         "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" "
                         "fill=\"#333333\" shape-rendering=\"crispEdges\">\n"
                         "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
  }
  /// Groups what is drawn until `end_group`.
  void begin_group(std::string_view of) { text_ += classic_text("<g class=\"", of, "\">\n"); }
  void end_group() { text_ += "</g>\n"; }

  void fill(const box& where, const rgb& color)
  {
    text_ +=
        classic_text("<rect x=\"", where.left, "\" y=\"", where.top, "\" width=\"", where.width,
                     "\" height=\"", where.height, "\" fill=\"", code_of(color), "\"/>\n");
  }
  /// @param y middle of the line
  void write(std::string_view words, std::int64_t x, std::int64_t y, anchor at)
  {
    write_as("", words, x, y + 4, at);
  }
  void write_title(std::string_view words, std::int64_t x, std::int64_t y)
  {
    write_as(" font-size=\"15\"", words, x, y + 5, anchor::begin);
  }

  [[nodiscard]] std::string finished() const { return text_ + "</svg>\n"; }

 private:
  [[nodiscard]] static std::string code_of(const rgb& color)
  {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string code = "#";
    for (const auto part : color) (code += digits[part >> 4U]) += digits[part & 15U];
    return code;
  }

  void write_as(std::string_view style, std::string_view words, std::int64_t x, std::int64_t y,
                anchor at)
  {
    const char* side = at == anchor::begin    ? ""
                       : at == anchor::middle ? " text-anchor=\"middle\""
                                              : " text-anchor=\"end\"";
    text_ += classic_text("<text x=\"", x, "\" y=\"", y, "\"", side, style, ">", xml_text(words),
                          "</text>\n");
  }

  std::string text_;
};

/// Draws to pixels, with the font of `letters.hpp`.
class pixel_pen {
 public:
  [[nodiscard]] static std::int64_t width_of(std::string_view words)
  {
    return text_width(words, size);
  }
  [[nodiscard]] static std::int64_t width_of_title(std::string_view words)
  {
    return width_of(words);
  }

  void begin(std::int64_t width, std::int64_t height) { paper_ = canvas{3, height, width}; }
  void begin_group(std::string_view) {}
  void end_group() {}

  void fill(const box& where, const rgb& color)
  {
    paper_.fill(where.top, where.left, where.height, where.width, color);
  }
  void write(std::string_view words, std::int64_t x, std::int64_t y, anchor at)
  {
    const auto width = width_of(words);
    const auto before = at == anchor::begin ? 0 : at == anchor::middle ? width / 2 : width;
    constexpr std::int64_t above = (letter_height - 1) * size / 2;
    paper_.write(words, y - above, x - before, size);
  }
  void write_title(std::string_view words, std::int64_t x, std::int64_t y)
  {
    write(words, x, y, anchor::begin);
  }

  [[nodiscard]] torch::Tensor finished() const { return paper_.pixels(); }

 private:
  static constexpr std::int64_t size = 2;

  canvas paper_{3, 1, 1};
};

}  // namespace rolewise::report::detail
