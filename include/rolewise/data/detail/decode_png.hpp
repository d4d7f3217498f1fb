// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// PNG decoding with libpng.

#include <rolewise/data/detail/decoded_image.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <png.h>

namespace rolewise::detail {

[[nodiscard]] inline bool is_png(const file_contents& file)
{
  return file.bytes.size() >= 8 && ::png_sig_cmp(file.bytes.data(), 0, 8) == 0;
}

/// A libpng reader that reports errors as text. libpng's simplified interface does so too, but it
/// converts stored values to linear light for gray, for alpha and by gAMA chunks.
class png_reader {
 public:
  /// @param file must outlive the reader
  explicit png_reader(const file_contents& file);
  png_reader(const png_reader&) = delete;
  png_reader& operator=(const png_reader&) = delete;
  ~png_reader() { ::png_destroy_read_struct(&control_, &about_, nullptr); }

  /// Calls `work(control, about)`; returns false if libpng reported an error. `work` must own no
  /// resources: an error leaves it by `longjmp`.
  template<typename Work>
  [[nodiscard]] bool succeeds(const Work& work)
  {
    if (setjmp(back_) != 0) return false;
    work(control_, about_);
    return true;
  }

  [[nodiscard]] const char* reason() const { return text_.data(); }

 private:
  [[noreturn]] static void leave(png_structp control, png_const_charp reason);

  static void read(png_structp control, png_bytep to, std::size_t count);

  std::pair<const std::uint8_t*, std::size_t> bytes_;  ///< pointer and count of those not read yet
  png_structp control_ = nullptr;
  png_infop about_ = nullptr;
  std::jmp_buf back_{};
  std::array<char, 256> text_{};
};

/// Decodes a PNG to 8 bits per channel, with the values as stored: 16 bits and fewer than 8 are
/// scaled by their range; gAMA and color profiles are ignored. Transparent pixels are blended
/// onto black.
/// @param channels 1 (gray) or 3
/// @throws std::runtime_error that names the file and libpng's reason
[[nodiscard]] ROLEWISE_INLINE decoded_image decode_png(const file_contents& file,
                                                       std::int64_t channels);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/detail/implementation/decode_png.hpp>
#endif
