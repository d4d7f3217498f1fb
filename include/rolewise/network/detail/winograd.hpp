// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Convolutions of tensors by minimal filtering, with their gradients, on several threads.

#include <rolewise/core/share_out.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/network/detail/winograd/variants.hpp>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rolewise::detail {

/// Whether it is computed here. Not while LibTorch is told to leave its own fast convolutions
/// alone (`setUserEnabledMkldnn`), nor under autocast, which wants another type.
[[nodiscard]] inline bool fits_winograd(const torch::Tensor& x, const torch::Tensor& w,
                                        std::int64_t stride, std::int64_t padding)
{
  constexpr auto together = static_cast<std::int64_t>(winograd_kernels::channels_together);
  const auto is_plain = [](const torch::Tensor& t) {
    return t.device().is_cpu() && t.dim() == 4 && t.scalar_type() == torch::kFloat &&
           t.layout() == torch::kStrided && t.numel() > 0 && !t.is_neg();
  };
  return stride == 1 && padding == 1 && is_plain(x) && is_plain(w) && w.size(2) == 3 &&
         w.size(3) == 3 && x.size(1) == w.size(1) && x.size(1) % together == 0 &&
         w.size(0) % together == 0 && x.is_contiguous(torch::MemoryFormat::ChannelsLast) &&
         winograd_kernels::are_worthwhile() && at::globalContext().userEnabledMkldnn() &&
         c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::AutocastCPU);
}

/// The tiles of maps in pieces for threads.
struct pieces_of_tiles {
  winograd_kernels::tile_range all;
  std::int64_t count = 1;

  pieces_of_tiles(const torch::Tensor& x, std::int64_t most, std::int64_t least_of_piece)
      : all{static_cast<std::size_t>(x.size(2)), static_cast<std::size_t>(x.size(3)), 0, 0}
  {
    all.end = static_cast<std::size_t>(x.size(0)) * all.of_image();
    count = std::clamp<std::int64_t>(static_cast<std::int64_t>(all.end) / least_of_piece, 1, most);
  }

  /// Calls `work(piece, its tiles, scratch memory)` for each that has tiles.
  /// @param floats of scratch memory
  template<typename Work>
  void each(std::size_t floats, const Work& work) const
  {
    constexpr auto together = winograd_kernels::tiles_together;
    const auto pieces = static_cast<std::size_t>(count);
    const auto length = (all.end + pieces * together - 1) / (pieces * together) * together;
    share_out(count, at::get_num_threads(), [&](std::int64_t piece) {
      auto tiles = all;
      tiles.first = std::min(all.end, static_cast<std::size_t>(piece) * length);
      tiles.end = std::min(all.end, tiles.first + length);
      if (tiles.size() > 0) work(piece, tiles, scratch_of_this_thread(floats));
    });
  }

 private:
  [[nodiscard]] static float* scratch_of_this_thread(std::size_t floats)
  {
    thread_local torch::Tensor memory;
    const auto bytes = static_cast<std::int64_t>(floats * sizeof(float));
    if (!memory.defined() || memory.numel() < bytes)
      memory = at::empty({bytes}, torch::TensorOptions{}.dtype(torch::kByte));
    return static_cast<float*>(memory.mutable_data_ptr());
  }
};

/// Filters as they lie in memory.
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

/// The same turned round, from outputs to inputs.
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

/// x * w with one pixel of zeros around x.
/// @return `[N, O, H, W]`, channels last
[[nodiscard]] inline torch::Tensor winograd_product(const torch::Tensor& x,
                                                    const winograd_kernels::filters<const float>& w)
{
  constexpr std::int64_t most = 1024, least = 16 * winograd_kernels::tiles_together;
  const auto& passes = winograd_kernels::best();
  const auto options = x.options().requires_grad(false);
  const auto spread =
      at::empty({static_cast<std::int64_t>(winograd_kernels::positions * w.in * w.out)}, options);
  passes.spread_filters(w, spread.mutable_data_ptr<float>());
  auto y = at::empty({x.size(0), static_cast<std::int64_t>(w.out), x.size(2), x.size(3)}, options,
                     torch::MemoryFormat::ChannelsLast);
  const auto* const from = x.const_data_ptr<float>();
  const auto* const by = spread.const_data_ptr<float>();
  auto* const to = y.mutable_data_ptr<float>();
  pieces_of_tiles{x, most, least}.each(
      winograd_kernels::scratch_of_product(w.in, w.out),
      [&](std::int64_t, const winograd_kernels::tile_range& tiles, float* scratch) {
        passes.product(tiles, from, w.in, by, w.out, to, scratch);
      });
  return y;
}

/// The gradient of w.
/// @param gradient of the product, channels last
/// @return laid out like w; the pieces that are summed up do not depend on the number of threads
[[nodiscard]] inline torch::Tensor winograd_weight_gradient(const torch::Tensor& gradient,
                                                            const torch::Tensor& x,
                                                            const torch::Tensor& w)
{
  constexpr std::int64_t most_bytes = std::int64_t{1} << 25;
  const auto numbers =
      static_cast<std::int64_t>(winograd_kernels::positions) * w.size(0) * w.size(1);
  const auto most = std::clamp<std::int64_t>(most_bytes / (4 * numbers), 1, 8);
  const auto& passes = winograd_kernels::best();
  const pieces_of_tiles pieces{x, most, 512};
  auto result = at::empty_like(w, w.options().requires_grad(false));
  const auto to = filters_of(result, result.mutable_data_ptr<float>());
  const auto sums = at::zeros({pieces.count, numbers}, result.options());
  auto* const first = sums.mutable_data_ptr<float>();
  const auto* const from = x.const_data_ptr<float>();
  const auto* const g = gradient.const_data_ptr<float>();
  pieces.each(winograd_kernels::scratch_of_sums(to.in, to.out),
              [&](std::int64_t piece, const winograd_kernels::tile_range& tiles, float* scratch) {
                passes.weight_sums(tiles, from, to.in, g, to.out, first + piece * numbers, scratch);
              });
  auto whole = sums[0];
  for (std::int64_t piece = 1; piece < pieces.count; ++piece) whole += sums[piece];
  passes.gather_gradient(first, to);
  return result;
}

}  // namespace rolewise::detail
