// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The passes over the planes of one image that every instruction set has its own version of.

#include <rolewise/agent/warp.hpp>

#include <cstddef>
#include <cstdint>

namespace rolewise::detail::kernels {

/// Bytes that may be read before and after a plane of a canvas, and written after it.
inline constexpr std::size_t guard = 128;

/// Where the pixels of a row come from, 16.16: the first one from (x, y), each next one from
/// (x_by, y_by) further.
struct source_row {
  std::int64_t x, y, x_by, y_by;
};

/// How a row is made from a row of the source: `out[x] = in[x + shift]`, or, mirrored,
/// `out[x] = in[width - 1 - x + shift]`; `outside` where the source has no such column.
struct row_move {
  std::int64_t shift;
  bool mirrored;
  std::uint8_t outside;
};

/// Rows of pixels of a warp, all of one length, and the size of the image they come from.
struct warp_piece {
  warp::line column, row;  ///< of the first pixel
  std::int32_t length, rows;
  std::int32_t height, width;
};

/// From bytes to numbers: `(v - minus[c]) * times[c]`, each step rounded to float32.
struct scale {
  float minus[3];
  float times[3];
};

/// Weights of a resize are whole numbers: 2^22 is one.
inline constexpr int weight_bits = 22;

/// What the columns of an image of another width are made of (`resize_table`): column x of `most`
/// old ones from `first[x]` on, with the weights from `weights + x * stride` on.
struct resize_columns {
  const std::int32_t* first;
  const std::int32_t* weights;
  std::int32_t stride, most, width;
  std::int32_t begin, end;  ///< old columns that are needed

  /// Columns of 16 bytes that lie turned before the weighed ones; those of weight 0 may lie beyond.
  [[nodiscard]] std::int64_t columns_turned() const
  {
    return (std::int64_t{end} - begin + 15) / 16 * 16 + most;
  }
  /// Bytes that a pass needs, whichever way it takes.
  [[nodiscard]] std::size_t room() const
  {
    const auto blocks = (std::int64_t{width} + 15) / 16;
    return static_cast<std::size_t>(columns_turned() * 16 + blocks * 64 * (4 + most));
  }
};

enum class layout : std::uint8_t { planes, channels_last };

/// One version of every pass. A plane is `count` = H W bytes with `guard` bytes around it, unless
/// it is said to be exact; planes do not overlap.
struct kernel_set {
  const char* name;
  /// `plane[i] = table[plane[i]]`.
  void (*look_up)(std::uint8_t* plane, std::size_t count, const std::uint8_t* table);
  /// `image = trunc(d + factor (image - d))`, within 0 .. 255: product and sum rounded one after
  /// the other to float32.
  void (*blend)(const std::uint8_t* d, std::uint8_t* image, std::size_t count, float factor);
  /// `(19595 r + 38470 g + 7471 b + add) >> 16`.
  void (*grey)(const std::uint8_t* const* rgb, std::uint8_t* out, std::size_t count,
               std::int32_t add);
  std::int64_t (*sum)(const std::uint8_t* plane, std::size_t count);
  void (*range)(const std::uint8_t* plane, std::size_t count, std::uint8_t* low,
                std::uint8_t* high);
  /// The mean of nine with the centre five times; the border as it is. At least 3 x 3 pixels.
  void (*smooth)(const std::uint8_t* in, std::uint8_t* out, std::size_t height, std::size_t width);
  /// Four planes as pixels of four bytes; room for `guard` bytes after them.
  void (*pack)(const std::uint8_t* const* planes, std::size_t count, std::uint32_t* out);
  /// And back; up to `guard` bytes after each plane are spoilt.
  void (*unpack)(const std::uint32_t* packed, std::size_t count, std::uint8_t* const* planes);
  /// The number of the source pixel of each pixel of a row, H W where it lies outside. All
  /// coordinates fit into 16.16 of 32 bits. Room for `guard` bytes after them.
  void (*sources)(const source_row& row, std::int64_t height, std::int64_t width,
                  std::uint32_t* out);
  /// The place of each source pixel of a piece in the padded pixels of `pack_padded`; places beyond
  /// the border lie on it. If `shares` is not null, the fractions of column and row as well, in
  /// 256ths in bits 0 .. 7 and 16 .. 23. Room for `guard` bytes after them.
  void (*warp_places)(const warp_piece& piece, std::uint32_t* places, std::uint32_t* shares);
  /// The mean of four pixels, pairs of which lie beside each other in `upper` and `lower`, by
  /// shares, or the nearest of them where byte 3 of one is 0; in the others it is 255. Room as
  /// above, twice that for pairs.
  void (*warp_mix)(const std::uint32_t* upper, const std::uint32_t* lower,
                   const std::uint32_t* shares, std::size_t count, std::uint32_t* out);
  /// `colour` where `covered` is 0; elsewhere it is 255.
  void (*fill)(std::uint8_t* plane, const std::uint8_t* covered, std::size_t count,
               std::uint8_t colour);
  /// One row; up to `guard` bytes after it are spoilt, so rows are made from the first to the last.
  void (*move)(const std::uint8_t* in, std::uint8_t* out, std::int64_t width, const row_move& how);
  /// `out` is exact.
  void (*to_float)(const std::uint8_t* const* planes, std::size_t channels, std::size_t count,
                   const scale& by, layout to, float* out);
  /// `out` is exact and holds bfloat16, rounded to nearest even.
  void (*to_bfloat16)(const std::uint8_t* const* planes, std::size_t channels, std::size_t count,
                      const scale& by, layout to, std::uint16_t* out);
  /// One row of an image of another height: the mean of `count` rows, `stride` bytes apart, with
  /// weights, rounded. Up to `guard` bytes after it are spoilt.
  void (*weigh_rows)(const std::uint8_t* in, std::int64_t stride, const std::int32_t* weights,
                     std::int32_t count, std::uint8_t* out, std::int64_t length);
  /// `rows` rows of an image of another width; `in` begins with old column `begin`. Up to `guard`
  /// bytes after `out` are spoilt.
  void (*weigh_columns)(const resize_columns& by, const std::uint8_t* in, std::int64_t in_stride,
                        std::int64_t rows, std::uint8_t* out, std::int64_t out_stride,
                        std::uint8_t* room);
  /// Hues turned by `by` of 255 parts, by way of hue, saturation and value as bytes.
  void (*turn_hue)(std::uint8_t* const* rgb, std::size_t count, std::int32_t by);
};

}  // namespace rolewise::detail::kernels
