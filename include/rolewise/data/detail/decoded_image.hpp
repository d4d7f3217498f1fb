// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A decoded image, and conversions of its stored values.

#include <rolewise/data/detail/file_bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// A decoded image: rows of pixels, channels last.
struct decoded_image {
  std::int64_t height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;
  std::string doubts{};  ///< why the pixels, though complete, may be damaged; or empty
};

/// Limit of pixels per image, checked before anything is allocated: 64 megapixels.
inline constexpr std::uint64_t pixel_limit = std::uint64_t{1} << 26;

inline void require_modest_size(const file_contents& file, std::uint64_t height,
                                std::uint64_t width)
{
  if (height == 0 || width == 0 || height > pixel_limit / width)
    throw_runtime_error(file.path, "an image of ", height, " x ", width, " pixels, want 1 to ",
                        pixel_limit);
}

/// Gray value of a color: ITU-R 601 luma of stored values, rounded to nearest. It equals Pillow's
/// and that of the image operations, so it does not depend on the file format.
[[nodiscard]] constexpr std::uint8_t gray_of(std::uint32_t red, std::uint32_t green,
                                             std::uint32_t blue)
{
  return static_cast<std::uint8_t>((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16);
}

/// `value * share / 255`, rounded to nearest.
/// @param share 0 to 255
[[nodiscard]] constexpr std::uint8_t times_255th(std::uint32_t value, std::uint32_t share)
{
  const auto product = value * share + 128;
  return static_cast<std::uint8_t>((product + (product >> 8)) >> 8);
}

/// Blends an image of 2 or 4 channels, the last of which is alpha, onto black by its stored
/// values.
[[nodiscard]] inline decoded_image laid_on_black(decoded_image picture)
{
  const auto channels = static_cast<std::size_t>(picture.channels);
  auto* to = picture.pixels.data();
  for (std::size_t at = 0; at < picture.pixels.size(); at += channels) {
    const auto* const from = picture.pixels.data() + at;
    const auto alpha = from[channels - 1];
    for (std::size_t c = 0; c + 1 < channels; ++c) *to++ = times_255th(from[c], alpha);
  }
  --picture.channels;
  picture.pixels.resize(static_cast<std::size_t>(to - picture.pixels.data()));
  return picture;
}

/// Converts an image of 1 (gray) or 3 channels (red, green, blue) to `channels`, 1 or 3.
[[nodiscard]] inline decoded_image in_channels(decoded_image picture, std::int64_t channels)
{
  if (picture.channels == channels) return picture;
  const auto count = static_cast<std::size_t>(picture.height * picture.width);
  const auto* from = picture.pixels.data();
  std::vector<std::uint8_t> pixels(count * static_cast<std::size_t>(channels));
  if (channels == 1)
    for (auto& value : pixels) {
      value = gray_of(from[0], from[1], from[2]);
      from += 3;
    }
  else
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = from[i / 3];
  picture.channels = channels;
  picture.pixels = std::move(pixels);
  return picture;
}

}  // namespace rolewise::detail
