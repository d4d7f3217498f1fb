// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// PNG through libpng.

#include <rolewise/data/detail/decoded_image.hpp>

#include <cstddef>
#include <cstdint>

#include <png.h>

namespace rolewise::detail {

[[nodiscard]] inline bool is_png(const file_contents& file)
{
  return file.bytes.size() >= 8 && ::png_sig_cmp(file.bytes.data(), 0, 8) == 0;
}

/// Eight bits a channel, sRGB as in the file; what is transparent is laid on black. Warnings of
/// libpng are about data beside the pixels, such as colour profiles, and are passed over.
/// @param channels 1 (grey) or 3
/// @throws std::runtime_error that names the file and libpng's reason
[[nodiscard]] inline decoded_image decode_png(const file_contents& file, std::int64_t channels)
{
  struct control : png_image {
    control() : png_image{} { version = PNG_IMAGE_VERSION; }
    control(const control&) = delete;
    control& operator=(const control&) = delete;
    ~control() { ::png_image_free(this); }
  } image;
  const auto require = [&](int is_done) {
    if (is_done == 0) fail(file.path, "corrupt PNG: ", static_cast<const char*>(image.message));
  };
  require(::png_image_begin_read_from_memory(&image, file.bytes.data(), file.bytes.size()));
  require_modest_size(file, image.height, image.width);
  image.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  decoded_image result{image.height, image.width, channels, {}};
  result.pixels.resize(static_cast<std::size_t>(result.height * result.width * channels));
  const png_color black{0, 0, 0};
  require(::png_image_finish_read(&image, &black, result.pixels.data(), 0, nullptr));
  return result;
}

}  // namespace rolewise::detail
