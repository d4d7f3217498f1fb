// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/detail/read_picture.hpp>.

#include <rolewise/data/detail/read_picture.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE decoded_image read_picture(const std::string& path, std::int64_t channels)
{
  const file_contents file{path, raw_bytes(path, file_size_limit), false};
  if (is_png(file)) return decode_png(file, channels);
  if (is_jpeg(file)) return decode_jpeg(file, channels);
  fail_at(file, 0, "is neither PNG nor JPEG");
}

}  // namespace rolewise::detail
