// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Winograd convolution of tensors, with gradients, multithreaded.

#include <rolewise/core/tensor.hpp>
#include <rolewise/network/detail/winograd/kernel_set.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>

namespace rolewise::detail {

/// Whether Winograd convolution applies, to x in single precision or, for the gradient of the
/// weights, in bytes. It does not while LibTorch's own fast convolutions are
/// disabled (`setUserEnabledMkldnn`), nor under autocast, which computes in another dtype.
[[nodiscard]] ROLEWISE_INLINE bool fits_winograd(const torch::Tensor& x, const torch::Tensor& w,
                                                 std::int64_t stride, std::int64_t padding);

/// Whether a convolution that may be rounded to bfloat16 is faster without: Winograd applies, and
/// the processor has no instructions for matrices of bfloat16 (AMX).
[[nodiscard]] ROLEWISE_INLINE bool is_faster_in_single(const torch::Tensor& x,
                                                       const torch::Tensor& w, std::int64_t stride,
                                                       std::int64_t padding);

/// The size of tiles that takes the fewest operations for the products and the transforms of
/// filters.
[[nodiscard]] ROLEWISE_INLINE winograd_kernels::tile_size winograd_tile(const torch::Tensor& x);

/// Pointer, sizes and strides of filters.
template<typename Number>
[[nodiscard]] winograd_kernels::filters<Number> filters_of(const torch::Tensor& w, Number* first)
{
  return {first,
          static_cast<std::size_t>(w.size(1)),
          static_cast<std::size_t>(w.size(0)),
          w.stride(1),
          w.stride(0),
          w.stride(2),
          w.stride(3)};
}

/// The filters rotated by 180 degrees, with inputs and outputs exchanged: for the input gradient.
template<typename Number>
[[nodiscard]] winograd_kernels::filters<Number> turned(winograd_kernels::filters<Number> of)
{
  return {of.first + 2 * (of.next_row + of.next_column),
          of.out,
          of.in,
          of.next_out,
          of.next_in,
          -of.next_row,
          -of.next_column};
}

/// x * w with one pixel of zero padding.
/// @return `[N, O, H, W]`, channels last
[[nodiscard]] ROLEWISE_INLINE torch::Tensor winograd_product(
    const torch::Tensor& x, const winograd_kernels::filters<const float>& w,
    const winograd_kernels::tile_size& size);

/// The gradient with respect to w.
/// @param gradient of the product, channels last
/// @param x in single precision or in bytes, channels last
/// @return laid out like w
[[nodiscard]] ROLEWISE_INLINE torch::Tensor winograd_weight_gradient(
    const torch::Tensor& gradient, const torch::Tensor& x, const torch::Tensor& w,
    const winograd_kernels::tile_size& size);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/winograd.hpp>
#endif
