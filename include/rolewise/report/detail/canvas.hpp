// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Raster canvas: draws images, boxes and text to a pixel tensor.

#include <rolewise/core/tensor.hpp>
#include <rolewise/report/detail/letters.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rolewise::report::detail {

/// A `[C, H, W]` uint8 image that is drawn on; white at first.
class canvas {
 public:
  canvas(std::int64_t channels, std::int64_t height, std::int64_t width)
      : pixels_{torch::full({channels, height, width}, 255, torch::kByte)}
  {}

  /// Draws an image `[C, h, w]`, each pixel enlarged to `scale` x `scale`.
  void draw(const torch::Tensor& image, std::int64_t top, std::int64_t left, std::int64_t scale)
  {
    const auto large = image.repeat_interleave(scale, 1).repeat_interleave(scale, 2);
    pixels_.narrow(1, top, large.size(1)).narrow(2, left, large.size(2)).copy_(large);
  }

  /// Fills a box with one color, which has a value per channel; the box must fit.
  template<std::size_t Channels>
  void fill(std::int64_t top, std::int64_t left, std::int64_t height, std::int64_t width,
            const std::array<std::uint8_t, Channels>& color)
  {
    // Plain loops: a heat map has up to millions of boxes, and a tensor operation takes
    // microseconds.
    const auto line = pixels_.size(2), plane = line * pixels_.size(1);
    auto* to = pixels_.mutable_data_ptr<std::uint8_t>() + top * line + left;
    for (const auto value : color) {
      for (std::int64_t y = 0; y < height; ++y) std::fill_n(to + y * line, width, value);
      to += plane;
    }
  }

  /// Draws a text with font pixels of `size` x `size`; it must fit.
  void write(std::string_view text, std::int64_t top, std::int64_t left, std::int64_t size)
  {
    constexpr int ink = 40;
    for_each_letter(text, [&](std::string_view picture) {
      for (std::int64_t row = 0; row < letter_height; ++row)
        for (std::int64_t column = 0; column < letter_width; ++column)
          if (has_ink(picture, row, column))
            pixels_.narrow(1, top + row * size, size)
                .narrow(2, left + column * size, size)
                .fill_(ink);
      left += (letter_width + 1) * size;
    });
  }

  [[nodiscard]] const torch::Tensor& pixels() const { return pixels_; }

 private:
  torch::Tensor pixels_;
};

/// Width in pixels of a text with font pixels of `size`.
[[nodiscard]] inline std::int64_t text_width(std::string_view text, std::int64_t size)
{
  return std::max<std::int64_t>(0, letters_in(text) * (letter_width + 1) - 1) * size;
}

/// The text, or its longest prefix that fits, followed by two dots.
[[nodiscard]] inline std::string shortened(std::string text, std::int64_t width, std::int64_t size)
{
  if (text_width(text, size) <= width) return text;
  const auto is_continuation = [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
  };
  while (!text.empty() && text_width(text + "..", size) > width) {
    while (is_continuation(text.back()) && text.size() > 1) text.pop_back();
    text.pop_back();
  }
  return text + "..";
}

}  // namespace rolewise::report::detail
