// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `kernel_set`: the passes over the planes of one image, one version for each instruction
/// set.

#include <rolewise/agent/warp.hpp>

#include <cstddef>
#include <cstdint>

namespace rolewise::detail::kernels {

/// Bytes that may be read before and after a plane of a canvas, and written after it.
inline constexpr std::size_t guard = 128;

/// Source coordinates of a row of pixels, in 16.16 fixed point: (x, y) for the first pixel,
/// (x_by, y_by) further for each next one.
struct source_row {
  std::int64_t x, y, x_by, y_by;
};

/// A shift of a row: `out[x] = in[x + shift]`, or, mirrored,
/// `out[x] = in[width - 1 - x + shift]`; `outside` where the source has no such column.
struct row_move {
  std::int64_t shift;
  bool mirrored;
  std::uint8_t outside;
};

/// A block of rows of a warp, all of one length, and the size of the source image.
struct warp_piece {
  warp::line column, row;  ///< of the first pixel
  std::int32_t length, rows;
  std::int32_t height, width;
};

/// The conversion from bytes to floating point: `(v - minus[c]) * times[c]`, each step rounded to
/// float32.
struct scale {
  float minus[3];
  float times[3];
};

/// Fraction bits of resize weights, which are integers: 2^22 is one.
inline constexpr int weight_bits = 22;

/// The sources and weights of the columns of a horizontal resize (`resize_table`): new column x
/// is a weighted sum of `most` old ones from `first[x]` on, with the weights from
/// `weights + x * stride` on.
struct resize_columns {
  const std::int32_t* first;
  const std::int32_t* weights;
  std::int32_t stride, most, width;
  std::int32_t begin, end;  ///< range of old columns that are read

  /// Number of transposed columns of 16 bytes that precede the weighted ones in `room`; those
  /// read with weight 0 may lie beyond `end`.
  [[nodiscard]] std::int64_t columns_turned() const
  {
    return (std::int64_t{end} - begin + 15) / 16 * 16 + most;
  }
  /// Bytes of scratch memory for a pass, with either algorithm.
  [[nodiscard]] std::size_t room() const
  {
    const auto blocks = (std::int64_t{width} + 15) / 16;
    return static_cast<std::size_t>(columns_turned() * 16 + blocks * 64 * (4 + most));
  }
};

enum class layout : std::uint8_t { planes, channels_last };

/// One version of every pass. A plane is `count` = H W bytes with `guard` bytes around it, unless
/// it is stated to be exact; planes do not overlap.
struct kernel_set {
  const char* name;
  /// Table lookup: `plane[i] = table[plane[i]]`.
  void (*look_up)(std::uint8_t* plane, std::size_t count, const std::uint8_t* table);
  /// Blend: `image = trunc(d + factor (image - d))`, clamped to 0 .. 255; product and sum are
  /// rounded to float32 one after the other.
  void (*blend)(const std::uint8_t* d, std::uint8_t* image, std::size_t count, float factor);
  /// Gray values: `(19595 r + 38470 g + 7471 b + add) >> 16`.
  void (*gray)(const std::uint8_t* const* rgb, std::uint8_t* out, std::size_t count,
               std::int32_t add);
  std::int64_t (*sum)(const std::uint8_t* plane, std::size_t count);
  void (*range)(const std::uint8_t* plane, std::size_t count, std::uint8_t* low,
                std::uint8_t* high);
  /// The 3 x 3 mean with the center counted five times; border pixels are copied. At least 3 x 3
  /// pixels.
  void (*smooth)(const std::uint8_t* in, std::uint8_t* out, std::size_t height, std::size_t width);
  /// Packs four planes into pixels of four bytes; `out` has room for `guard` bytes after them.
  void (*pack)(const std::uint8_t* const* planes, std::size_t count, std::uint32_t* out);
  /// The inverse of `pack`; overwrites up to `guard` bytes after each plane.
  void (*unpack)(const std::uint32_t* packed, std::size_t count, std::uint8_t* const* planes);
  /// The index of the source pixel of each pixel of a row; H W if it lies outside. All
  /// coordinates fit into 16.16 fixed point of 32 bits. `out` has room for `guard` bytes after
  /// them.
  void (*sources)(const source_row& row, std::int64_t height, std::int64_t width,
                  std::uint32_t* out);
  /// The index of each source pixel of a piece in the padded pixels of `pack_padded`; positions
  /// beyond the padding are clamped to it. If `shares` is not null, also the fractions of column
  /// and row, in 256ths in bits 0 .. 7 and 16 .. 23. Room for `guard` bytes after them.
  void (*warp_places)(const warp_piece& piece, std::uint32_t* places, std::uint32_t* shares);
  /// The mean of four pixels, adjacent pairs of which are in `upper` and `lower`, weighted by
  /// `shares`; or the nearest of them if byte 3 of one is 0 (otherwise it is 255). Room as above,
  /// twice that for pairs.
  void (*warp_mix)(const std::uint32_t* upper, const std::uint32_t* lower,
                   const std::uint32_t* shares, std::size_t count, std::uint32_t* out);
  /// Writes `color` where `covered` is 0; elsewhere `covered` is 255.
  void (*fill)(std::uint8_t* plane, const std::uint8_t* covered, std::size_t count,
               std::uint8_t color);
  /// Moves one row; overwrites up to `guard` bytes after it, so rows are made from first to last.
  void (*move)(const std::uint8_t* in, std::uint8_t* out, std::int64_t width, const row_move& how);
  /// Converts to float32; `out` is exact.
  void (*to_float)(const std::uint8_t* const* planes, std::size_t channels, std::size_t count,
                   const scale& by, layout to, float* out);
  /// Converts to bfloat16, rounded to nearest even; `out` is exact.
  void (*to_bfloat16)(const std::uint8_t* const* planes, std::size_t channels, std::size_t count,
                      const scale& by, layout to, std::uint16_t* out);
  /// One row of a vertical resize: the weighted mean of `count` rows, `stride` bytes apart,
  /// rounded. Overwrites up to `guard` bytes after it.
  void (*weigh_rows)(const std::uint8_t* in, std::int64_t stride, const std::int32_t* weights,
                     std::int32_t count, std::uint8_t* out, std::int64_t length);
  /// A horizontal resize of `rows` rows; `in` begins with old column `begin`. Overwrites up to
  /// `guard` bytes after `out`.
  void (*weigh_columns)(const resize_columns& by, const std::uint8_t* in, std::int64_t in_stride,
                        std::int64_t rows, std::uint8_t* out, std::int64_t out_stride,
                        std::uint8_t* room);
  /// Rotates hues by `by` / 255 of the circle, through hue, saturation and value as bytes.
  void (*turn_hue)(std::uint8_t* const* rgb, std::size_t count, std::int32_t by);
};

}  // namespace rolewise::detail::kernels
