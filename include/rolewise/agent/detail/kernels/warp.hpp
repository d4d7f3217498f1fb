// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Warp of one image, bit-equal to `operations::warped`.

#include <rolewise/agent/detail/kernels/canvas.hpp>
#include <rolewise/agent/warp.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace rolewise::detail::kernels {

/// Packs an image into pixels of four bytes with a zero padding of two rows and two columns on
/// each side, so that reads not far outside stay within the buffer. The padding at the right of a
/// row is that at the left of the next one.
inline void pack_padded(const kernel_set& passes, const std::array<std::uint8_t*, 4>& planes,
                        std::size_t height, std::size_t width, std::uint32_t* out)
{
  const std::size_t stride = width + 2;
  std::memset(out, 0, (2 * stride + 2) * sizeof *out);
  out += 2 * stride + 2;
  for (std::size_t y = 0; y < height; ++y, out += stride) {
    const std::size_t start = y * width;
    const std::array<const std::uint8_t*, 4> row{planes[0] + start, planes[1] + start,
                                                 planes[2] + start, planes[3] + start};
    passes.pack(row.data(), width, out);
    out[width] = out[width + 1] = 0;
  }
  std::memset(out, 0, 2 * stride * sizeof *out);
}

/// Replaces pixel indices by the pixels. Unrolled by four: the speed of a simple loop depends on
/// its placement by the linker.
inline void look_up(const std::uint32_t* pixels, std::size_t count, std::uint32_t* places)
{
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const std::uint32_t a = pixels[places[i]], b = pixels[places[i + 1]];
    const std::uint32_t c = pixels[places[i + 2]], d = pixels[places[i + 3]];
    places[i] = a;
    places[i + 1] = b;
    places[i + 2] = c;
    places[i + 3] = d;
  }
  for (; i < count; ++i) places[i] = pixels[places[i]];
}

/// Resamples an image by a warp, in pieces that fit the L1 cache.
class warper {
 public:
  static constexpr std::size_t most = 512;  ///< pixels of a piece

  /// @param room scratch memory, reused from image to image
  warper(const kernel_set& passes, std::int64_t height, std::int64_t width,
         std::vector<std::uint32_t>& room)
      : passes_{passes}, height_{height}, width_{width}
  {
    constexpr std::size_t piece = most + guard;
    const auto padded = static_cast<std::size_t>((height + 4) * (width + 2)) + guard;
    if (room.size() < padded + 6 * piece) room.resize(padded + 6 * piece);
    auto* const at = room.data();
    places_ = at;
    shares_ = at + piece;
    upper_ = at + 2 * piece;
    lower_ = at + 4 * piece;
    padded_ = at + 6 * piece;
  }

  void operator()(const warp::line& column, const warp::line& row, interpolation between,
                  const std::array<std::uint8_t*, 4>& from, const std::array<std::uint8_t*, 4>& to)
  {
    pack_padded(passes_, from, static_cast<std::size_t>(height_), static_cast<std::size_t>(width_),
                padded_);
    constexpr auto limit = static_cast<std::int64_t>(most);
    const std::int64_t length = std::min(limit, width_);
    const std::int64_t rows = width_ < limit ? limit / width_ : 1;
    for (std::int64_t y = 0; y < height_; y += rows)
      for (std::int64_t x = 0; x < width_; x += length) {
        const auto start = [&](const warp::line& line) {
          return line.start + x * line.by_x + y * line.by_y;
        };
        const warp_piece piece{{start(column), column.by_x, column.by_y},
                               {start(row), row.by_x, row.by_y},
                               static_cast<std::int32_t>(std::min(length, width_ - x)),
                               static_cast<std::int32_t>(std::min(rows, height_ - y)),
                               static_cast<std::int32_t>(height_),
                               static_cast<std::int32_t>(width_)};
        make(piece, between, static_cast<std::size_t>(y * width_ + x), to);
      }
  }

 private:
  void make(const warp_piece& piece, interpolation between, std::size_t start,
            const std::array<std::uint8_t*, 4>& to)
  {
    const auto count =
        static_cast<std::size_t>(piece.length) * static_cast<std::size_t>(piece.rows);
    const std::uint32_t* const pixels = padded_;
    std::uint32_t* const places = places_;
    if (between == interpolation::nearest) {
      passes_.warp_places(piece, places, nullptr);
      look_up(pixels, count, places);
    } else {
      passes_.warp_places(piece, places, shares_);
      std::uint32_t *const upper = upper_, *const lower = lower_;
      const std::size_t below = static_cast<std::size_t>(width_) + 2;
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t* const corner = pixels + places[i];
        std::memcpy(upper + 2 * i, corner, 2 * sizeof *corner);
        std::memcpy(lower + 2 * i, corner + below, 2 * sizeof *corner);
      }
      passes_.warp_mix(upper, lower, shares_, count, places);
    }
    const std::array<std::uint8_t*, 4> out{to[0] + start, to[1] + start, to[2] + start,
                                           to[3] + start};
    passes_.unpack(places, count, out.data());
  }

  const kernel_set& passes_;
  std::int64_t height_, width_;
  std::uint32_t *places_, *shares_, *upper_, *lower_, *padded_;
};

/// Whether the warp only shifts and mirrors rows: no gathering, no interpolation.
[[nodiscard]] inline bool is_move(const warp::line& column, const warp::line& row,
                                  interpolation between)
{
  constexpr std::int64_t part = warp::pixel - 1;
  if (row.by_x != 0 || row.by_y != warp::pixel) return false;
  if (column.by_x != warp::pixel && column.by_x != -warp::pixel) return false;
  return between == interpolation::nearest ||
         ((column.start & part) >> 24 == 0 && (row.start & part) >> 24 == 0 &&
          (column.by_y & part) == 0);
}

inline void warp_image(canvas& image, const warp& how)
{
  if (how.changes_nothing()) return;
  auto column = how.column, row = how.row;
  if (how.between == interpolation::bilinear) {
    // To the pixel center at the upper left, and to the nearest 1/256.
    constexpr std::int64_t back = (std::int64_t{1} << 23) - warp::pixel / 2;
    column.start += back;
    row.start += back;
  }
  if (is_move(column, row, how.between)) {
    constexpr std::array<std::uint8_t, 3> black{};
    const bool mirrored = column.by_x < 0;
    const std::int64_t last = mirrored ? image.width() - 1 : 0;
    image.move_rows(row.start >> 32, mirrored, black.data(), false, [&](std::int64_t y) {
      return ((column.start + y * column.by_y) >> 32) - last;
    });
    return;
  }
  image.remake([&](const std::array<std::uint8_t*, 4>& from, const std::array<std::uint8_t*, 4>& to,
                   std::vector<std::uint32_t>& room) {
    warper{image.passes(), image.height(), image.width(), room}(column, row, how.between, from, to);
  });
}

}  // namespace rolewise::detail::kernels
