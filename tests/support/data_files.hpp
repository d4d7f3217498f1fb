// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Creates small data files for tests.

#include "support/doctest.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <jpeglib.h>
#include <png.h>
#include <unistd.h>
#include <zlib.h>

namespace rolewise::testing {

using bytes = std::vector<std::uint8_t>;

/// A unique temporary folder, removed by the destructor.
class scratch_folder {
 public:
  scratch_folder()
  {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("rolewise-data-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder()
  {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string operator/(const std::string& name) const
  {
    return (path_ / name).string();
  }
  std::string write(const std::string& name, const bytes& content) const
  {
    const auto place = path_ / name;
    std::filesystem::create_directories(place.parent_path());
    std::ofstream out{place, std::ios::binary};
    out.write(reinterpret_cast<const char*>(content.data()),
              static_cast<std::streamsize>(content.size()));
    return place.string();
  }
  std::string write(const std::string& name, const std::string& text) const
  {
    return write(name, bytes(text.begin(), text.end()));
  }

 private:
  std::filesystem::path path_;
};

inline bytes gzipped(const bytes& plain)
{
  z_stream stream{};
  REQUIRE(::deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  bytes packed(::deflateBound(&stream, plain.size()) + 32);
  stream.next_in = const_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  ::deflateEnd(&stream);
  return packed;
}

inline bytes operator+(bytes a, const bytes& b)
{
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Bytes that gzip cannot compress, so that a test can truncate a file at a chosen place.
inline bytes noise(std::size_t count)
{
  bytes result(count);
  std::uint32_t state = 1;
  for (auto& b : result) {
    state = state * 1664525U + 1013904223U;
    b = static_cast<std::uint8_t>(state >> 24);
  }
  return result;
}

template<typename F>
std::string error_of(const F& f)
{
  try {
    f();
  } catch (const std::runtime_error& e) {
    return e.what();
  } catch (const std::invalid_argument& e) {
    return std::string{"invalid: "} + e.what();
  }
  return "no error";
}

inline bytes png(std::uint32_t height, std::uint32_t width, std::uint32_t format,
                 const bytes& pixels)
{
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.height = height;
  image.width = width;
  image.format = format;
  png_alloc_size_t size = 0;
  REQUIRE(::png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr) != 0);
  bytes result(size);
  REQUIRE(::png_image_write_to_memory(&image, result.data(), &size, 0, pixels.data(), 0, nullptr) !=
          0);
  result.resize(size);
  return result;
}

/// @param space of the file: JCS_YCbCr, JCS_GRAYSCALE, JCS_CMYK or JCS_YCCK
/// @param pixels of 3 channels (red, green, blue), of 1 or of 4, as the space requires
inline bytes jpeg(unsigned height, unsigned width, const bytes& pixels,
                  J_COLOR_SPACE space = JCS_YCbCr)
{
  jpeg_compress_struct control{};
  jpeg_error_mgr errors{};
  control.err = ::jpeg_std_error(&errors);
  ::jpeg_create_compress(&control);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  ::jpeg_mem_dest(&control, &memory, &size);
  control.image_height = height;
  control.image_width = width;
  const bool has_black = space == JCS_CMYK || space == JCS_YCCK;
  control.in_color_space = has_black ? JCS_CMYK : space == JCS_GRAYSCALE ? space : JCS_RGB;
  control.input_components = has_black ? 4 : space == JCS_GRAYSCALE ? 1 : 3;
  ::jpeg_set_defaults(&control);
  ::jpeg_set_colorspace(&control, space);
  ::jpeg_set_quality(&control, 100, TRUE);
  ::jpeg_start_compress(&control, TRUE);
  const auto row_bytes = std::size_t{width} * static_cast<std::size_t>(control.input_components);
  for (unsigned row = 0; row < height; ++row) {
    auto* line = const_cast<unsigned char*>(pixels.data()) + row * row_bytes;
    ::jpeg_write_scanlines(&control, &line, 1);
  }
  ::jpeg_finish_compress(&control);
  ::jpeg_destroy_compress(&control);
  bytes result(memory, memory + size);
  std::free(memory);
  return result;
}

inline bytes plain_color(std::size_t pixels, std::uint8_t red, std::uint8_t green,
                         std::uint8_t blue)
{
  bytes result;
  for (std::size_t i = 0; i < pixels; ++i) result = result + bytes{red, green, blue};
  return result;
}

}  // namespace rolewise::testing
