// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A decoded image, and conversions of its stored values.

#include <rolewise/data/detail/file_bytes.hpp>
#include <rolewise/support/inline.hpp>

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

ROLEWISE_INLINE void require_modest_size(const file_contents& file, std::uint64_t height,
                                         std::uint64_t width);

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
[[nodiscard]] ROLEWISE_INLINE decoded_image laid_on_black(decoded_image picture);

/// Converts an image of 1 (gray) or 3 channels (red, green, blue) to `channels`, 1 or 3.
[[nodiscard]] ROLEWISE_INLINE decoded_image in_channels(decoded_image picture,
                                                        std::int64_t channels);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/detail/implementation/decoded_image.hpp>
#endif
