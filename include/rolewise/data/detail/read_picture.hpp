// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Reading of one image file, PNG or JPEG.

#include <rolewise/data/detail/decode_jpeg.hpp>
#include <rolewise/data/detail/decode_png.hpp>
#include <rolewise/data/detail/file_bytes.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string>

namespace rolewise::detail {

/// Reads an image file in the format that its content has, PNG or JPEG.
/// @param channels 1 (gray) or 3
/// @throws std::runtime_error that names the file, unless it is a complete image in one of them
[[nodiscard]] ROLEWISE_INLINE decoded_image read_picture(const std::string& path,
                                                         std::int64_t channels);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/detail/implementation/read_picture.hpp>
#endif
