// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The batched resize operation, bitwise equal to Pillow's.

#include <rolewise/agent/detail/resize_order.hpp>
#include <rolewise/agent/image_layers.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>

namespace rolewise {

namespace detail {

/// Filter weights of a resize along one axis, for each image; all on the CPU.
struct resize_weights {
  torch::Tensor first;   ///< `[N, size]`, int64: the first source pixel
  torch::Tensor weight;  ///< `[N, size, K]`, int32: of it and the next ones; 2^22 is 1
};

/// The resampling filter at `distance` from the center of an output pixel, float64.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor weight_at(const torch::Tensor& distance, resampling by);

/// Computes the filter weights of a resize along one axis.
/// @param from, to `[N]`, float32, on the CPU: the source interval on the axis
/// @param old_size, size pixels of the axis before and after, at least 1
[[nodiscard]] ROLEWISE_INLINE resize_weights weights_of(const torch::Tensor& from,
                                                        const torch::Tensor& to,
                                                        std::int64_t old_size, std::int64_t size,
                                                        resampling by);

/// Resamples planes `[N, C, H, W]`, uint8, along one axis (2 or 3).
[[nodiscard]] ROLEWISE_INLINE torch::Tensor weighed(const torch::Tensor& planes,
                                                    const resize_weights& by, std::int64_t axis);

}  // namespace detail

namespace operations {

/// Resizes a box of each image: Pillow's `resize((width, height), filter, box)`.
///
/// Weights are rounded to 2^-22, and the values between the two passes to bytes. The filter also
/// reads pixels just outside the box, where they lie within the image.
///
/// The reference implementation for the faster kernels: plain tensor operations without a loop
/// over images, on the device of the pixels.
///
/// @param pixels `[N, C, H, W]`, uint8
/// @param boxes `[N, 4]`, float32, on the CPU: left, top, right, bottom of each image, in pixels
/// @return `[N, C, to.height, to.width]`, uint8
/// @par Determinism
/// Integer arithmetic and single roundings: the same bits on every device.
/// @throws std::invalid_argument unless the tensors and the size are as described above
/// @pre `0 <= left < right <= W` and `0 <= top < bottom <= H`
/// @par Source
/// Results are those of Pillow 13.0. Earlier versions differ by a rounding where images lose more
/// than twice as many rows as columns: they resampled columns first there too.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor resize(const torch::Tensor& pixels,
                                                   const torch::Tensor& boxes,
                                                   const image_size& to);

}  // namespace operations

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/operations_resize.hpp>
#endif
