// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// One picture, as its file has it.

#include <rolewise/data/detail/file_bytes.hpp>

#include <cstdint>
#include <vector>

namespace rolewise::detail {

/// Rows of pixels, channels last.
struct decoded_image {
  std::int64_t height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;
};

/// 64 megapixels: what a header may claim before anything is allocated for it.
inline constexpr std::uint64_t pixel_limit = std::uint64_t{1} << 26;

inline void require_modest_size(const file_contents& file, std::uint64_t height,
                                std::uint64_t width)
{
  if (height == 0 || width == 0 || height > pixel_limit / width)
    fail(file.path, "an image of ", height, " x ", width, " pixels, want 1 to ", pixel_limit);
}

}  // namespace rolewise::detail
