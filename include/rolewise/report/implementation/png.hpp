// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/png.hpp>.

#include <rolewise/report/png.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::report {

ROLEWISE_INLINE std::string png_bytes(const torch::Tensor& image)
{
  constexpr std::string_view who = "png";
  if (!image.defined()) throw_invalid_argument(who, "the image is undefined");
  constexpr std::int64_t longest = 65535;
  if (image.dim() != 3 || (image.size(0) != 1 && image.size(0) != 3) || image.numel() == 0 ||
      image.size(1) > longest || image.size(2) > longest)
    throw_invalid_argument(who, "want an image [1, H, W] or [3, H, W], H and W from 1 to ", longest,
                           ", got ", image.sizes());
  if (image.scalar_type() != torch::kByte)
    throw_invalid_argument(who, "want uint8, got ", image.scalar_type());

  const auto pixels = image.detach().cpu().permute({1, 2, 0}).contiguous();
  png_image picture{};
  picture.version = PNG_IMAGE_VERSION;
  picture.height = static_cast<png_uint_32>(pixels.size(0));
  picture.width = static_cast<png_uint_32>(pixels.size(1));
  picture.format = pixels.size(2) == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;

  // Deflate expands incompressible data by less than this.
  const auto raw = static_cast<std::size_t>(pixels.numel() + pixels.size(0));
  std::string bytes(raw + raw / 100 + 4096, '\0');
  png_alloc_size_t size = bytes.size();
  const int written = png_image_write_to_memory(&picture, bytes.data(), &size, 0,
                                                pixels.const_data_ptr<std::uint8_t>(), 0, nullptr);
  if (written == 0) throw_runtime_error(who, "cannot be written: ", picture.message);
  bytes.resize(size);
  return bytes;
}

}  // namespace rolewise::report
