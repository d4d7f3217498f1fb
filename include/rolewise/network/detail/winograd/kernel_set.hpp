// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The interface of the Winograd convolution kernels, which are compiled per instruction set:
/// 3x3, stride 1, one pixel of zero padding, float32, channels last.
///
/// A tile of m by m outputs is computed from n by n inputs d, n = m + 2, with n^2 products instead
/// of 9 m^2: Y = A' ((G g G') * (B' d B)) A, where g is the filter and * is elementwise. m is 2 or
/// 4: 2.25 or 4 times fewer products.
///
/// The matrices interpolate polynomials: for m = 2 at 0, 1, -1 and infinity, for m = 4 at 0, 5/8,
/// -5/8, 3/2, -3/2 and infinity.
///
/// @par Source
/// Winograd: Arithmetic Complexity of Computations, 1980; Lavin, Gray: Fast Algorithms for
/// Convolutional Neural Networks, 2016, arXiv:1509.09308, sections 4.1 and 4.3, F(2x2, 3x3) and
/// F(4x4, 3x3).
/// @par Departs
/// The paper interpolates F(4x4, 3x3) at 1, -1, 2 and -2. Of points that are multiples of 1/16,
/// those chosen are among the most exact: the error is 0.4 times as large, 3 times that of m = 2.

#include <cstddef>
#include <cstdint>

namespace rolewise::detail::winograd_kernels {

/// The numbers of input and output channels must be multiples of this.
inline constexpr std::size_t channels_together = 16;

/// Tiles that are transformed and multiplied together; few enough to stay in the cache.
inline constexpr std::size_t tiles_together = 24;

/// Tiles of a partial sum, which is then added to the total: long sums in single precision lose
/// accuracy.
inline constexpr std::size_t tiles_summed = 16 * tiles_together;

/// The size of tiles.
struct tile_size {
  std::size_t outputs = 2;  ///< on each side: 2 or 4

  [[nodiscard]] constexpr std::size_t inputs() const { return outputs + 2; }
  /// Elements of a transformed tile.
  [[nodiscard]] constexpr std::size_t positions() const { return inputs() * inputs(); }
};

inline constexpr tile_size small_tile{2}, large_tile{4};

/// A range of the tiles of feature maps, numbered row by row and image by image.
struct tile_range {
  tile_size size{};
  std::size_t height = 0;  ///< of the maps
  std::size_t width = 0;
  std::size_t first = 0;
  std::size_t end = 0;

  [[nodiscard]] constexpr std::size_t rows() const
  {
    return (height + size.outputs - 1) / size.outputs;
  }
  [[nodiscard]] constexpr std::size_t columns() const
  {
    return (width + size.outputs - 1) / size.outputs;
  }
  [[nodiscard]] constexpr std::size_t of_image() const { return rows() * columns(); }
  [[nodiscard]] constexpr std::size_t count() const { return end - first; }
  /// The `tiles_together` tiles from `begin` on, or as many as are left.
  [[nodiscard]] constexpr tile_range next(std::size_t begin) const
  {
    return {size, height, width, begin,
            end - begin < tiles_together ? end : begin + tiles_together};
  }
};

/// A range of channels; its bounds are multiples of `channels_together`.
struct channel_range {
  std::size_t first = 0;
  std::size_t end = 0;
};

/// Filters `[out, in, 3, 3]` with arbitrary strides.
template<typename Number>
struct filters {
  Number* first = nullptr;  ///< upper left element of the first filter
  std::size_t in = 0;
  std::size_t out = 0;
  std::ptrdiff_t next_in = 0;
  std::ptrdiff_t next_out = 0;
  std::ptrdiff_t next_row = 0;
  std::ptrdiff_t next_column = 0;
};

/// Floats from one transformed tile of inputs to the next. Large strides avoid powers of two,
/// which use few cache sets.
[[nodiscard]] constexpr std::size_t apart(std::size_t in)
{
  return in < 128 ? in : in + channels_together;
}

/// Scratch memory of the kernels over tiles, in floats.
[[nodiscard]] constexpr std::size_t scratch_size(const tile_size& size, std::size_t in,
                                                 std::size_t out)
{
  return size.positions() * (tiles_together * (apart(in) + out) + in * out);
}

/// The kernels of one instruction set; each call computes a part of the outputs. Transformed
/// filters are `[out / 16, column, row, in, 16]`.
///
/// All results are bit-identical for any parts and any number of tiles at once, except sums over
/// tiles, and on every instruction set with fused multiply-add.
struct kernel_set {
  const char* name;
  void (*spread_filters)(const tile_size& size, const filters<const float>& from,
                         const channel_range& part, float* to);
  /// The adjoint of `spread_filters`: from the gradient of transformed filters, as `stretches` sums
  /// in sequence, to that of filters.
  void (*gather_gradient)(const tile_size& size, const float* from, std::size_t stretches,
                          const filters<float>& to, const channel_range& part);
  /// The convolution.
  void (*product)(const tile_range& tiles, const float* x, std::size_t in, const float* weights,
                  std::size_t out, const channel_range& part, float* y, float* scratch);
  /// Writes the gradient of transformed filters, the sum over a range of tiles that is not empty.
  void (*weight_sums)(const tile_range& tiles, const float* x, std::size_t in,
                      const float* gradient, std::size_t out, const channel_range& part,
                      float* sums, float* scratch);
  /// The same for inputs in bytes, with the same bits.
  void (*weight_sums_of_bytes)(const tile_range& tiles, const std::uint8_t* x, std::size_t in,
                               const float* gradient, std::size_t out, const channel_range& part,
                               float* sums, float* scratch);
};

}  // namespace rolewise::detail::winograd_kernels
