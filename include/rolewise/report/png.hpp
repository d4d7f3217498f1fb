// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Encodes images as PNG files.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include <png.h>

namespace rolewise::report {

/// An image as the bytes of a PNG file: lossless, 8 bits per channel.
///
/// @param image `[1, H, W]` (gray) or `[3, H, W]` (red, green, blue), uint8, any device
/// @throws std::invalid_argument for other shapes or types, or sides of 0 or above 65 535
[[nodiscard]] ROLEWISE_INLINE std::string png_bytes(const torch::Tensor& image);

/// Writes an image to a file; an existing file is replaced atomically.
/// @throws std::invalid_argument as `png_bytes` does
/// @throws std::runtime_error if the file cannot be written
inline void write_png(const std::string& path, const torch::Tensor& image)
{
  support::write_file_atomically(path, png_bytes(image));
}

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/png.hpp>
#endif
