// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/detail/decode_png.hpp>.

#include <rolewise/data/detail/decode_png.hpp>
#include <rolewise/support/error.hpp>

#include <cstdio>
#include <cstring>

namespace rolewise::detail {

ROLEWISE_INLINE png_reader::png_reader(const file_contents& file)
    : bytes_{file.bytes.data(), file.bytes.size()}
{
  // Ignores warnings: they concern data other than pixels, such as color profiles.
  control_ = ::png_create_read_struct(PNG_LIBPNG_VER_STRING, this, leave,
                                      [](png_structp, png_const_charp) {});
  if (control_ != nullptr) about_ = ::png_create_info_struct(control_);
  if (about_ == nullptr) {
    ::png_destroy_read_struct(&control_, nullptr, nullptr);
    throw_runtime_error(file.path, "libpng cannot start");
  }
  ::png_set_read_fn(control_, this, read);
}

ROLEWISE_INLINE void png_reader::leave(png_structp control, png_const_charp reason)
{
  auto* const mine = static_cast<png_reader*>(::png_get_error_ptr(control));
  std::snprintf(mine->text_.data(), mine->text_.size(), "%s", reason);
  std::longjmp(mine->back_, 1);
}

ROLEWISE_INLINE void png_reader::read(png_structp control, png_bytep to, std::size_t count)
{
  auto* const mine = static_cast<png_reader*>(::png_get_io_ptr(control));
  auto& [next, left] = mine->bytes_;
  if (count > left) ::png_error(control, "the file ends before the picture does");
  std::memcpy(to, next, count);
  next += count;
  left -= count;
}

ROLEWISE_INLINE decoded_image decode_png(const file_contents& file, std::int64_t channels)
{
  png_reader reader{file};
  decoded_image result;
  if (!reader.succeeds([&](png_structp control, png_infop about) {
        ::png_set_keep_unknown_chunks(control, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
        ::png_read_info(control, about);
        result.height = ::png_get_image_height(control, about);
        result.width = ::png_get_image_width(control, about);
      }))
    throw_runtime_error(file.path, "corrupt PNG: ", reader.reason());
  require_modest_size(file, static_cast<std::uint64_t>(result.height),
                      static_cast<std::uint64_t>(result.width));
  int passes = 1;
  if (!reader.succeeds([&](png_structp control, png_infop about) {
        ::png_set_expand(control);  // palettes, few bits, tRNS
        ::png_set_scale_16(control);
        passes = ::png_set_interlace_handling(control);
        ::png_read_update_info(control, about);
        result.channels = ::png_get_channels(control, about);
      }))
    throw_runtime_error(file.path, "corrupt PNG: ", reader.reason());
  const auto row_bytes = static_cast<std::size_t>(result.width * result.channels);
  result.pixels.resize(row_bytes * static_cast<std::size_t>(result.height));
  auto* const pixels = result.pixels.data();
  const auto* const end = pixels + result.pixels.size();
  if (!reader.succeeds([&](png_structp control, png_infop) {
        for (int pass = 0; pass < passes; ++pass)
          for (auto* row = pixels; row != end; row += row_bytes)
            ::png_read_row(control, row, nullptr);
      }))
    throw_runtime_error(file.path, "corrupt PNG: ", reader.reason());
  if (result.channels % 2 == 0) result = laid_on_black(std::move(result));
  return in_channels(std::move(result), channels);
}

}  // namespace rolewise::detail
