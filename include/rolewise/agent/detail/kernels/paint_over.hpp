// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Paints over a rectangle of one image.

#include <rolewise/agent/detail/kernels/canvas.hpp>
#include <rolewise/agent/image_layers.hpp>
#include <rolewise/core/philox.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace rolewise::detail::kernels {

/// Writes bytes `place` .. `place + count - 1` of an image's noise, numbered as in `image_paint`.
inline void write_noise(const image_paint& paint, std::int64_t id, std::uint64_t place,
                        std::size_t count, std::uint8_t* out)
{
  const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(paint.key.value),
                                         static_cast<std::uint32_t>(paint.key.value >> 32)};
  const auto sample = static_cast<std::uint64_t>(id);
  while (count > 0) {
    // The same words as `draws`, four per call.
    const auto words =
        philox({static_cast<std::uint32_t>(place / 16), static_cast<std::uint32_t>(paint.epoch),
                static_cast<std::uint32_t>(sample), static_cast<std::uint32_t>(sample >> 32)},
               key);
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::uint8_t>(words[i / 4] >> (8 * (i % 4)));
    const auto skipped = static_cast<std::size_t>(place % 16);
    const auto some = std::min(count, bytes.size() - skipped);
    std::memcpy(out, bytes.data() + skipped, some);
    place += some;
    out += some;
    count -= some;
  }
}

/// @pre there are no holes
inline void paint_over(canvas& image, const image_rectangle& where, const image_paint& paint,
                       const std::uint8_t* mean_color)
{
  if (where.height <= 0 || where.width <= 0) return;
  auto* const* planes = image.planes();
  const auto* const color =
      paint.with == image_paint::kind::color ? paint.color.data() : mean_color;
  const auto length = static_cast<std::size_t>(where.width);
  for (std::size_t c = 0; c < image.channels(); ++c)
    for (std::int64_t y = where.top; y < where.top + where.height; ++y) {
      const auto at = y * image.width() + where.left;
      if (paint.with == image_paint::kind::noise)
        write_noise(paint, where.id, c * image.count() + static_cast<std::uint64_t>(at), length,
                    planes[c] + at);
      else
        std::memset(planes[c] + at, color[c], length);
    }
}

}  // namespace rolewise::detail::kernels
