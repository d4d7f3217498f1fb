// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// JPEG through libjpeg.

#include <rolewise/data/detail/decoded_image.hpp>

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>  // jpeglib.h needs it

#include <jpeglib.h>

namespace rolewise::detail {

[[nodiscard]] inline bool is_jpeg(const file_contents& file)
{
  return file.bytes.size() >= 3 && file.bytes[0] == 0xFF && file.bytes[1] == 0xD8 &&
         file.bytes[2] == 0xFF;
}

/// A decompressor whose errors come back as text: libjpeg's own handler ends the program.
class jpeg_reader {
 public:
  jpeg_reader()
  {
    control_.err = ::jpeg_std_error(&errors_.standard);
    errors_.standard.error_exit = [](j_common_ptr control) { leave(control); };
    // libjpeg goes on after a warning, with grey where the picture is missing
    errors_.standard.emit_message = [](j_common_ptr control, int level) {
      if (level < 0) leave(control);
    };
  }
  jpeg_reader(const jpeg_reader&) = delete;
  jpeg_reader& operator=(const jpeg_reader&) = delete;
  ~jpeg_reader() { ::jpeg_destroy_decompress(&control_); }

  /// Calls `work(control)` and says whether it came to its end. `work` must own nothing: it is
  /// left by a jump.
  template<typename Work>
  [[nodiscard]] bool succeeds(const Work& work)
  {
    if (setjmp(errors_.back) != 0) return false;
    work(control_);
    return true;
  }

  [[nodiscard]] const char* reason() const { return errors_.text.data(); }
  [[nodiscard]] const jpeg_decompress_struct& control() const { return control_; }

 private:
  struct errors {
    jpeg_error_mgr standard{};  // first: libjpeg knows only this
    std::jmp_buf back{};
    std::array<char, JMSG_LENGTH_MAX> text{};
  };

  [[noreturn]] static void leave(j_common_ptr control)
  {
    auto* const mine = reinterpret_cast<errors*>(control->err);
    (*mine->standard.format_message)(control, mine->text.data());
    std::longjmp(mine->back, 1);
  }

  jpeg_decompress_struct control_{};
  errors errors_;
};

/// Eight bits a channel.
/// @param channels 1 (grey) or 3
/// @throws std::runtime_error that names the file and libjpeg's reason
[[nodiscard]] inline decoded_image decode_jpeg(const file_contents& file, std::int64_t channels)
{
  jpeg_reader reader;
  if (!reader.succeeds([&](jpeg_decompress_struct& control) {
        ::jpeg_create_decompress(&control);
        ::jpeg_mem_src(&control, file.bytes.data(), static_cast<unsigned long>(file.bytes.size()));
        ::jpeg_read_header(&control, TRUE);
        control.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
        ::jpeg_calc_output_dimensions(&control);
      }))
    fail(file.path, "corrupt JPEG: ", reader.reason());
  const auto& about = reader.control();
  require_modest_size(file, about.output_height, about.output_width);
  decoded_image result{about.output_height, about.output_width, channels, {}};
  result.pixels.resize(static_cast<std::size_t>(result.height * result.width * channels));
  auto* const pixels = result.pixels.data();
  const auto row_bytes = static_cast<std::size_t>(result.width * channels);
  if (!reader.succeeds([&](jpeg_decompress_struct& control) {
        ::jpeg_start_decompress(&control);
        while (control.output_scanline < control.output_height) {
          JSAMPROW row = pixels + control.output_scanline * row_bytes;
          ::jpeg_read_scanlines(&control, &row, 1);
        }
        ::jpeg_finish_decompress(&control);
      }))
    fail(file.path, "corrupt JPEG: ", reader.reason());
  return result;
}

}  // namespace rolewise::detail
