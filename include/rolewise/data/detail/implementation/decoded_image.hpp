// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/detail/decoded_image.hpp>.

#include <rolewise/data/detail/decoded_image.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void require_modest_size(const file_contents& file, std::uint64_t height,
                                         std::uint64_t width)
{
  if (height == 0 || width == 0 || height > pixel_limit / width)
    throw_runtime_error(file.path, "an image of ", height, " x ", width, " pixels, want 1 to ",
                        pixel_limit);
}

ROLEWISE_INLINE decoded_image laid_on_black(decoded_image picture)
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

ROLEWISE_INLINE decoded_image in_channels(decoded_image picture, std::int64_t channels)
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
