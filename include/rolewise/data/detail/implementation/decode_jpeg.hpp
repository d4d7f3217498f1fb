// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/detail/decode_jpeg.hpp>.

#include <rolewise/data/detail/decode_jpeg.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cstdio>  // jpeglib.h needs it

namespace rolewise::detail {

ROLEWISE_INLINE bool is_jpeg(const file_contents& file)
{
  return file.bytes.size() >= 3 && file.bytes[0] == 0xFF && file.bytes[1] == 0xD8 &&
         file.bytes[2] == 0xFF;
}

ROLEWISE_INLINE bool leaves_pixels_whole(int warning)
{
  switch (warning) {
    case JWRN_EXTRANEOUS_DATA:  // between two markers
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_NOT_SEQUENTIAL:  // parameters that only progressive files have
      return true;
    default:
      return false;
  }
}

ROLEWISE_INLINE bool is_about_the_kind(int error)
{
  switch (error) {
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_IMAGE_TOO_BIG:
    case JERR_NOT_COMPILED:
    case JERR_NOTIMPL:
    case JERR_SOF_UNSUPPORTED:
      return true;
    default:
      return false;
  }
}

ROLEWISE_INLINE jpeg_reader::jpeg_reader()
{
  control_.err = ::jpeg_std_error(&errors_.standard);
  errors_.standard.error_exit = [](j_common_ptr control) { leave(control); };
  errors_.standard.emit_message = [](j_common_ptr control, int level) {
    if (level < 0) warn(control);
  };
}

ROLEWISE_INLINE void jpeg_reader::refuse_file(const file_contents& file) const
{
  throw_runtime_error(
      file.path,
      is_about_the_kind(errors_.standard.msg_code) ? "unsupported JPEG: " : "corrupt JPEG: ",
      static_cast<const char*>(errors_.text.data()));
}

ROLEWISE_INLINE void jpeg_reader::warn(j_common_ptr control)
{
  const auto& warning = *control->err;
  if (!leaves_pixels_whole(warning.msg_code)) leave(control);
  auto* const mine = reinterpret_cast<errors*>(control->err);
  if (warning.msg_code != JWRN_EXTRANEOUS_DATA || mine->after_header == nullptr) return;
  const auto* const end = reinterpret_cast<j_decompress_ptr>(control)->src->next_input_byte;
  const auto* const begin =
      end - std::min<std::ptrdiff_t>(warning.msg_parm.i[0], end - mine->after_header);
  if (std::all_of(begin, end, [&](JOCTET byte) { return byte == *begin; })) return;
  (*warning.format_message)(control, mine->doubts.data());
}

ROLEWISE_INLINE void jpeg_reader::leave(j_common_ptr control)
{
  auto* const mine = reinterpret_cast<errors*>(control->err);
  (*mine->standard.format_message)(control, mine->text.data());
  std::longjmp(mine->back, 1);
}

ROLEWISE_INLINE decoded_image from_inverted_cmyk(decoded_image picture)
{
  auto* to = picture.pixels.data();
  for (std::size_t at = 0; at < picture.pixels.size(); at += 4) {
    const auto* const from = picture.pixels.data() + at;
    const auto light = from[3];  // 255 minus black
    for (std::size_t c = 0; c < 3; ++c)
      *to++ = static_cast<std::uint8_t>(light - times_255th(255U - from[c], light));
  }
  picture.channels = 3;
  picture.pixels.resize(static_cast<std::size_t>(to - picture.pixels.data()));
  return picture;
}

ROLEWISE_INLINE decoded_image decode_jpeg(const file_contents& file, std::int64_t channels)
{
  jpeg_reader reader;
  if (!reader.succeeds([&](jpeg_decompress_struct& control) {
        ::jpeg_create_decompress(&control);
        ::jpeg_mem_src(&control, file.bytes.data(), static_cast<unsigned long>(file.bytes.size()));
        ::jpeg_read_header(&control, TRUE);
        const auto stored = control.jpeg_color_space;
        control.out_color_space = stored == JCS_GRAYSCALE                    ? JCS_GRAYSCALE
                                  : stored == JCS_CMYK || stored == JCS_YCCK ? JCS_CMYK
                                                                             : JCS_RGB;
        ::jpeg_calc_output_dimensions(&control);
      }))
    reader.refuse_file(file);
  reader.header_is_read();
  const auto& about = reader.control();
  require_modest_size(file, about.output_height, about.output_width);
  decoded_image result{about.output_height, about.output_width, about.out_color_components, {}};
  const auto row_bytes = static_cast<std::size_t>(result.width * result.channels);
  result.pixels.resize(row_bytes * static_cast<std::size_t>(result.height));
  auto* const pixels = result.pixels.data();
  if (!reader.succeeds([&](jpeg_decompress_struct& control) {
        ::jpeg_start_decompress(&control);
        while (control.output_scanline < control.output_height) {
          JSAMPROW row = pixels + control.output_scanline * row_bytes;
          ::jpeg_read_scanlines(&control, &row, 1);
        }
        ::jpeg_finish_decompress(&control);
      }))
    reader.refuse_file(file);
  result.doubts = reader.doubts();
  if (result.channels == 4) result = from_inverted_cmyk(std::move(result));
  return in_channels(std::move(result), channels);
}

}  // namespace rolewise::detail
