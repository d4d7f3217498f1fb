// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// JPEG decoding with libjpeg.

#include <rolewise/data/detail/decoded_image.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <jpeglib.h>

#include <jerror.h>  // needs jpeglib.h before it

namespace rolewise::detail {

[[nodiscard]] ROLEWISE_INLINE bool is_jpeg(const file_contents& file);

/// Whether a libjpeg warning concerns bytes that no pixel depends on. All others mean missing or
/// damaged data; libjpeg then continues, with gray where the image is missing. They include a
/// missing end marker, though all pixels may be there: what was cut off is unknown, and Pillow
/// rejects such a file too.
[[nodiscard]] ROLEWISE_INLINE bool leaves_pixels_whole(int warning);

/// Whether a libjpeg error means an unsupported kind of JPEG rather than damage.
[[nodiscard]] ROLEWISE_INLINE bool is_about_the_kind(int error);

/// A libjpeg decompressor that reports errors as text: libjpeg's own handler exits the program.
class jpeg_reader {
 public:
  jpeg_reader();
  jpeg_reader(const jpeg_reader&) = delete;
  jpeg_reader& operator=(const jpeg_reader&) = delete;
  ~jpeg_reader() { ::jpeg_destroy_decompress(&control_); }

  /// Calls `work(control)`; returns false if libjpeg reported an error. `work` must own no
  /// resources: an error leaves it by `longjmp`.
  template<typename Work>
  [[nodiscard]] bool succeeds(const Work& work)
  {
    if (setjmp(errors_.back) != 0) return false;
    work(control_);
    return true;
  }

  /// Marks the end of the header: from here on, bytes between markers are image data.
  void header_is_read() { errors_.after_header = control_.src->next_input_byte; }

  /// libjpeg's message about bytes left over by the image that are not padding; empty if there
  /// are none. They are harmless stray bytes, or image data after damage that went undetected.
  [[nodiscard]] const char* doubts() const { return errors_.doubts.data(); }

  /// Throws `std::runtime_error` with libjpeg's message.
  [[noreturn]] void refuse_file(const file_contents& file) const;
  [[nodiscard]] const jpeg_decompress_struct& control() const { return control_; }

 private:
  struct errors {
    jpeg_error_mgr standard{};  // first member: libjpeg has a pointer to this one
    std::jmp_buf back{};
    std::array<char, JMSG_LENGTH_MAX> text{}, doubts{};
    const JOCTET* after_header = nullptr;  ///< in the file's bytes; null: before the header
  };

  static void warn(j_common_ptr control);

  [[noreturn]] static void leave(j_common_ptr control);

  jpeg_decompress_struct control_{};
  errors errors_;
};

/// Converts CMYK as Adobe stores it, inverted, to RGB by Pillow's rule.
[[nodiscard]] ROLEWISE_INLINE decoded_image from_inverted_cmyk(decoded_image picture);

/// Decodes a JPEG to 8 bits per channel.
/// @param channels 1 (gray) or 3
/// @throws std::runtime_error that names the file and libjpeg's reason
[[nodiscard]] ROLEWISE_INLINE decoded_image decode_jpeg(const file_contents& file,
                                                        std::int64_t channels);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/detail/implementation/decode_jpeg.hpp>
#endif
