// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Winograd convolution of tensors, with gradients, multithreaded.

#include <rolewise/core/tensor.hpp>
#include <rolewise/network/detail/winograd/variants.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/parallel_for.hpp>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
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

/// Partition of a convolution for threads: ranges of tiles, and of output channels where there
/// are many. It does not depend on the number of threads.
struct winograd_pieces {
  winograd_kernels::tile_range all;
  std::size_t in, out;
  std::size_t length;  ///< tiles of a range but the last
  std::int64_t stretches, parts;

  /// @param least minimum number of tiles in a range
  /// @param most maximum number of ranges
  winograd_pieces(const torch::Tensor& x, const winograd_kernels::tile_size& size,
                  std::size_t inputs, std::size_t outputs, std::size_t least, std::size_t most);

  [[nodiscard]] winograd_kernels::channel_range part(std::int64_t number) const;

  /// Calls `work(part)` for the output channels, as many at once as lie together.
  template<typename Work>
  void each_filter(const Work& work) const
  {
    constexpr auto together = winograd_kernels::channels_together;
    parallel_for(static_cast<std::int64_t>(out / together), at::get_num_threads(),
                 [&](std::int64_t number) {
                   const auto first = static_cast<std::size_t>(number) * together;
                   work(winograd_kernels::channel_range{first, first + together});
                 });
  }
  /// Calls `work(stretch, tiles, part, scratch memory)` for each stretch with tiles and each part
  /// of the output channels.
  template<typename Work>
  void each(const Work& work) const
  {
    const auto floats =
        winograd_kernels::scratch_size(all.size, in, std::min(out, outputs_of_part));
    parallel_for(stretches * parts, at::get_num_threads(), [&](std::int64_t piece) {
      auto tiles = all;
      tiles.first = static_cast<std::size_t>(piece / parts) * length;
      tiles.end = std::min(all.end, tiles.first + length);
      work(piece / parts, tiles, part(piece % parts), scratch_of_this_thread(floats));
    });
  }

 private:
  /// Each part transforms all inputs again, so parts are large.
  static constexpr std::size_t outputs_of_part = 128;

  [[nodiscard]] static float* scratch_of_this_thread(std::size_t floats);
};

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
