// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The reference implementation of image programs, by tensor operations.

#include <rolewise/agent/detail/carry_out_layers.hpp>
#include <rolewise/agent/image_program.hpp>
#include <rolewise/agent/operations.hpp>
#include <rolewise/agent/operations_warp.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rolewise::detail {

/// Returns the parameters of the images at `places`, which all have the same operation.
[[nodiscard]] ROLEWISE_INLINE operation_parameters
parameters_of(std::span<const image_step> steps, const std::vector<std::int64_t>& places);

/// Writes `part` to the images at `places` of `whole`; copies `whole` first if it is `untouched`,
/// which is never written to.
ROLEWISE_INLINE void put_back(images& whole, const torch::Tensor& places, const images& part,
                              const torch::Tensor& untouched);

/// Applies a layer of operations. Images with the same operation are processed together.
/// @param untouched never written to
ROLEWISE_INLINE void operate(images& whole, std::span<const image_step> steps,
                             gray_rounding rounding, const torch::Tensor& untouched);

/// Applies a layer of warps. Images with the same interpolation are processed together.
/// @param untouched never written to
ROLEWISE_INLINE void warp_each(images& whole, std::span<const warp> warps,
                               const torch::Tensor& untouched);

/// Applies a layer of windows. Pixels from outside the image get `color` and are not holes.
[[nodiscard]] ROLEWISE_INLINE images shown(const images& from,
                                           std::span<const image_window> windows,
                                           const std::vector<std::uint8_t>& color);

/// Executes a program. Returns the images on their device; pixel work is vectorized over the
/// images.
/// @param pixels `[N, C, H, W]`, uint8; never written to; returned itself if nothing is planned
[[nodiscard]] ROLEWISE_INLINE torch::Tensor carry_out(const image_program& program,
                                                      const torch::Tensor& pixels,
                                                      const std::vector<std::uint8_t>& color);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/carry_out.hpp>
#endif
