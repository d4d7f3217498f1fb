// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Batched affine warps of images.

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/operations_geometric.hpp>
#include <rolewise/agent/warp.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace rolewise {

namespace detail {

/// Source positions of the output pixels of a batch, in 2^-32 pixels; `[N, H, W]` int64 each.
struct warp_sources {
  torch::Tensor column, row;
};

[[nodiscard]] ROLEWISE_INLINE warp_sources sources_of(std::span<const warp> maps,
                                                      const torch::Tensor& pixels);

/// Samples pixels at integer columns and rows, `[N, H, W]` each. Outside the image: black, not
/// covered.
[[nodiscard]] ROLEWISE_INLINE images pixels_at(const images& from, const torch::Tensor& column,
                                               const torch::Tensor& row);

[[nodiscard]] ROLEWISE_INLINE images warped_bilinear(const images& from, const warp_sources& at);

}  // namespace detail

namespace operations {

/// Applies one warp to each image, sampled as `warp` specifies. The reference implementation for
/// the kernels: plain tensor operations without a loop over images, on the device of the pixels.
///
/// @param maps N warps; their own `between` is ignored
/// @param between the interpolation for all images
/// @throws std::invalid_argument unless there is a warp for each image
[[nodiscard]] ROLEWISE_INLINE images warped(const images& from, std::span<const warp> maps,
                                            interpolation between);

}  // namespace operations

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/operations_warp.hpp>
#endif
