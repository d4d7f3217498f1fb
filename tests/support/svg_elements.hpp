// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Reads SVG text back: its elements with their attributes, and the images in it.

#include "doctest.hpp"

#include <rolewise/core/tensor.hpp>

#include <torch/types.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <png.h>

namespace rolewise::testing {

struct svg_element {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string text;  ///< up to the next tag, escaped

  [[nodiscard]] std::string word(const std::string& attribute) const
  {
    const auto found = attributes.find(attribute);
    return found == attributes.end() ? std::string{} : found->second;
  }
  /// NaN without the attribute.
  [[nodiscard]] double number(const std::string& attribute) const
  {
    const auto text_of = word(attribute);
    return text_of.empty() ? std::numeric_limits<double>::quiet_NaN() : std::stod(text_of);
  }
};

/// The elements of this name, in order; fails the test unless each attribute is `name="value"`.
[[nodiscard]] inline std::vector<svg_element> elements_of(std::string_view svg,
                                                          std::string_view name)
{
  std::vector<svg_element> found;
  const auto tag = "<" + std::string{name};
  for (auto at = svg.find(tag); at != svg.npos; at = svg.find(tag, at + 1)) {
    auto rest = svg.substr(at + tag.size());
    if (rest.front() != ' ' && rest.front() != '>' && rest.front() != '/') continue;
    auto& element = found.emplace_back();
    element.name = name;
    while (rest.front() == ' ') {
      const auto equals = rest.find("=\""), end = rest.find('"', equals + 2);
      REQUIRE(equals != rest.npos);
      REQUIRE(end != rest.npos);
      element.attributes[std::string{rest.substr(1, equals - 1)}] =
          rest.substr(equals + 2, end - equals - 2);
      rest.remove_prefix(end + 1);
    }
    REQUIRE((rest.starts_with('>') || rest.starts_with("/>")));
    rest.remove_prefix(rest.find('>') + 1);
    element.text = rest.substr(0, rest.find('<'));
  }
  return found;
}

/// The contents of the `<text>` elements, in order.
[[nodiscard]] inline std::vector<std::string> texts_in(std::string_view svg)
{
  std::vector<std::string> found;
  for (auto& element : elements_of(svg, "text")) found.push_back(std::move(element.text));
  return found;
}

/// The first `<text>` element with this content; fails the test if there is none.
[[nodiscard]] inline svg_element text_element(std::string_view svg, std::string_view words)
{
  for (const auto& element : elements_of(svg, "text"))
    if (element.text == words) return element;
  FAIL("the picture has no text '", words, "'");
  return {};
}

/// The decoded pixels of a PNG file, `[C, H, W]`.
[[nodiscard]] inline torch::Tensor read_png(const std::string& file)
{
  png_image picture{};
  picture.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_memory(&picture, file.data(), file.size()) != 0);
  const bool is_gray = (picture.format & PNG_FORMAT_FLAG_COLOR) == 0;
  picture.format = is_gray ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  auto pixels = torch::empty({picture.height, picture.width, is_gray ? 1 : 3}, torch::kByte);
  REQUIRE(png_image_finish_read(&picture, nullptr, pixels.mutable_data_ptr<std::uint8_t>(), 0,
                                nullptr) != 0);
  return pixels.permute({2, 0, 1}).contiguous();
}

[[nodiscard]] inline std::string bytes_of_base64(std::string_view text)
{
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  REQUIRE(text.size() % 4 == 0);
  std::string decoded;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < text.size() && text[i] != '='; ++i) {
    REQUIRE(digits.find(text[i]) != digits.npos);
    bits = bits << 6U | static_cast<std::uint32_t>(digits.find(text[i]));
    if (i % 4 > 0) decoded += static_cast<char>(bits >> (6U - 2U * (i % 4)) & 255U);
  }
  return decoded;
}

/// The pixels of an `<image>` element, `[C, H, W]`.
[[nodiscard]] inline torch::Tensor pixels_of(const svg_element& image)
{
  constexpr std::string_view head = "data:image/png;base64,";
  const auto link = image.word("href");
  REQUIRE(link.starts_with(head));
  return read_png(bytes_of_base64(std::string_view{link}.substr(head.size())));
}

}  // namespace rolewise::testing
