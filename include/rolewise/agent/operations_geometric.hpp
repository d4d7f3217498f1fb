// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Geometric operations (affine, rotate, shear, translate) and cutout.

#include <rolewise/agent/detail/per_sample.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <vector>

namespace rolewise {

namespace detail {

/// Gathers pixels by flat index: `index` is `[N, H', W']`, int64, row-major within an image.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor pick(const torch::Tensor& planes,
                                                 const torch::Tensor& index);

[[nodiscard]] inline torch::Tensor whole_numbers(std::int64_t count, torch::Device device)
{
  return at::arange(count, torch::TensorOptions{}.dtype(torch::kLong).device(device));
}

/// Converts to 16.16 fixed point, rounded to nearest.
[[nodiscard]] inline torch::Tensor fixed_point(const torch::Tensor& value)
{
  return (value * 65536.0 + 0.5).floor().to(torch::kLong);
}

/// One source coordinate of every output pixel: `start + (x + 1/2) by_x + (y + 1/2) by_y`, in
/// 16.16 fixed point, rounded down; `[N, H, W]`.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor source(const torch::Tensor& start,
                                                   const torch::Tensor& by_x,
                                                   const torch::Tensor& by_y,
                                                   const torch::Tensor& pixels);

/// Mask, true outside the box of 2 half x 2 half pixels around (row, column): `[N, 1, H, W]`.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor outside_box(const torch::Tensor& half,
                                                        const torch::Tensor& row,
                                                        const torch::Tensor& column,
                                                        const torch::Tensor& pixels);

}  // namespace detail

namespace operations {

/// Affine transform with nearest-neighbor sampling. The output pixel (x, y) is read from
///
///     column = a (x + 1/2) + b (y + 1/2) + c,   row = d (x + 1/2) + e (y + 1/2) + f
///
/// rounded down, in 16.16 fixed point as Pillow does. Outside of the source image the output is
/// black and a hole.
///
/// @param matrix `[N, 6]`, float64, on the CPU: a, b, c, d, e, f of each image
[[nodiscard]] ROLEWISE_INLINE images affine(const images& from, const torch::Tensor& matrix);

/// Rotates each image about its center, counter-clockwise. **Units**: degrees, any number.
/// @param degrees `[N]`, float64
[[nodiscard]] ROLEWISE_INLINE images rotate(const images& from, const torch::Tensor& degrees);

/// Shears each image along its rows: the source column of the pixel center (x, y) is
/// `x + slope * y`, with the origin at the top left corner.
/// @param slope `[N]`, float64, unitless; 0 changes nothing
[[nodiscard]] ROLEWISE_INLINE images shear_x(const images& from, const torch::Tensor& slope);

/// Shears each image along its columns: the source row of the pixel center (x, y) is
/// `y + slope * x`.
/// @param slope `[N]`, float64, unitless; 0 changes nothing
[[nodiscard]] ROLEWISE_INLINE images shear_y(const images& from, const torch::Tensor& slope);

/// Translates each image to the left: the source column of (x, y) is `x + distance`.
/// @param distance `[N]`, float64, pixels, whole numbers; 0 changes nothing
[[nodiscard]] ROLEWISE_INLINE images translate_x(const images& from, const torch::Tensor& distance);

/// Translates each image up: the source row of (x, y) is `y + distance`.
/// @param distance `[N]`, float64, pixels, whole numbers; 0 changes nothing
[[nodiscard]] ROLEWISE_INLINE images translate_y(const images& from, const torch::Tensor& distance);

/// The color that Population Based Augmentation leaves in a cut-out box: the mean of CIFAR-10, or
/// its gray value. Only later operations read it: the box is a hole (`images::covered`), filled
/// at the end.
[[nodiscard]] ROLEWISE_INLINE std::vector<std::uint8_t> cut_color(std::int64_t channels);

/// Cuts a box out: a hole of `2 half x 2 half` pixels, rows `row - half .. row + half - 1` and
/// likewise columns, clipped to the image.
///
/// @param half, row, column `[N]`, float64, pixels, whole numbers; half 0 changes nothing
/// @par Departs
/// Population Based Augmentation swaps rows and columns of the box, which is the same in
/// distribution for square images and fails for others; here they are not swapped.
[[nodiscard]] ROLEWISE_INLINE images cutout(const images& from, const torch::Tensor& half,
                                            const torch::Tensor& row, const torch::Tensor& column);

}  // namespace operations

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/operations_geometric.hpp>
#endif
