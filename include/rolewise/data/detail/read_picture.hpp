// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A picture from its file.

#include <rolewise/data/detail/decode_jpeg.hpp>
#include <rolewise/data/detail/decode_png.hpp>
#include <rolewise/data/detail/file_bytes.hpp>

#include <cstdint>
#include <string>

namespace rolewise::detail {

/// @param channels 1 (grey) or 3
/// @throws std::runtime_error that names the file, for all that is no whole picture of a format
///         that is read
[[nodiscard]] inline decoded_image read_picture(const std::string& path, std::int64_t channels)
{
  const file_contents file{path, raw_bytes(path, file_size_limit), false};
  if (is_png(file)) return decode_png(file, channels);
  if (is_jpeg(file)) return decode_jpeg(file, channels);
  fail_at(file, 0, "is neither PNG nor JPEG");
}

}  // namespace rolewise::detail
