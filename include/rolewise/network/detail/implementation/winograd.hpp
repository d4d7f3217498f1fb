// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/winograd.hpp>.

#include <rolewise/network/detail/winograd.hpp>

#include <rolewise/network/detail/winograd/variants.hpp>
#include <rolewise/support/parallel_for.hpp>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>

namespace rolewise::detail {

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
  /// Calls `work(stretch, tiles, part, scratch memory)` for each range of tiles and each part of
  /// the output channels.
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

ROLEWISE_INLINE bool fits_winograd(const torch::Tensor& x, const torch::Tensor& w,
                                   std::int64_t stride, std::int64_t padding)
{
  constexpr auto together = static_cast<std::int64_t>(winograd_kernels::channels_together);
  const auto is_plain = [](const torch::Tensor& t) {
    return t.device().is_cpu() && t.dim() == 4 && t.layout() == torch::kStrided && t.numel() > 0 &&
           !t.is_neg();
  };
  // With few tiles, transforming many filters does not pay.
  const auto pays = [&] { return 2 * x.numel() >= x.size(1) * std::max(w.size(0), w.size(1)); };
  return stride == 1 && padding == 1 && is_plain(x) && is_plain(w) &&
         (x.scalar_type() == torch::kFloat || x.scalar_type() == torch::kByte) &&
         w.scalar_type() == torch::kFloat && w.size(2) == 3 && w.size(3) == 3 &&
         x.size(1) == w.size(1) && x.size(1) % together == 0 && w.size(0) % together == 0 &&
         x.is_contiguous(torch::MemoryFormat::ChannelsLast) && pays() &&
         winograd_kernels::are_worthwhile() && at::globalContext().userEnabledMkldnn() &&
         c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::AutocastCPU);
}

ROLEWISE_INLINE bool is_faster_in_single(const torch::Tensor& x, const torch::Tensor& w,
                                         std::int64_t stride, std::int64_t padding)
{
#if defined(__x86_64__)
  static const bool multiplies_matrices = __builtin_cpu_supports("amx-bf16") != 0;
#else
  constexpr bool multiplies_matrices = false;
#endif
  return !multiplies_matrices && fits_winograd(x, w, stride, padding);
}

ROLEWISE_INLINE winograd_kernels::tile_size winograd_tile(const torch::Tensor& x)
{
  const auto operations = [&](const winograd_kernels::tile_size& size) {
    constexpr std::size_t of_filters = 60;  // as many products of a position take as long; measured
    const winograd_kernels::tile_range maps{size, static_cast<std::size_t>(x.size(2)),
                                            static_cast<std::size_t>(x.size(3))};
    const auto tiles = static_cast<std::size_t>(x.size(0)) * maps.of_image();
    return (tiles + of_filters) * size.positions();
  };
  using winograd_kernels::large_tile, winograd_kernels::small_tile;
  return operations(large_tile) < operations(small_tile) ? large_tile : small_tile;
}

ROLEWISE_INLINE winograd_pieces::winograd_pieces(const torch::Tensor& x,
                                                 const winograd_kernels::tile_size& size,
                                                 std::size_t inputs, std::size_t outputs,
                                                 std::size_t least, std::size_t most)
    : all{size, static_cast<std::size_t>(x.size(2)), static_cast<std::size_t>(x.size(3)), 0, 0},
      in{inputs},
      out{outputs},
      parts{static_cast<std::int64_t>((outputs + outputs_of_part - 1) / outputs_of_part)}
{
  const auto ranges_of = [&](std::size_t tiles) { return (all.end + tiles - 1) / tiles; };
  all.end = static_cast<std::size_t>(x.size(0)) * all.of_image();
  length = std::max(least, ranges_of(most));
  stretches = static_cast<std::int64_t>(ranges_of(length));
}

ROLEWISE_INLINE winograd_kernels::channel_range winograd_pieces::part(std::int64_t number) const
{
  const auto first = static_cast<std::size_t>(number) * outputs_of_part;
  return {first, std::min(out, first + outputs_of_part)};
}

ROLEWISE_INLINE float* winograd_pieces::scratch_of_this_thread(std::size_t floats)
{
  thread_local torch::Tensor memory;
  const auto bytes = static_cast<std::int64_t>(floats * sizeof(float));
  if (!memory.defined() || memory.numel() < bytes)
    memory = at::empty({bytes}, torch::TensorOptions{}.dtype(torch::kByte));
  return static_cast<float*>(memory.mutable_data_ptr());
}

ROLEWISE_INLINE torch::Tensor winograd_product(const torch::Tensor& x,
                                               const winograd_kernels::filters<const float>& w,
                                               const winograd_kernels::tile_size& size)
{
  const auto& passes = winograd_kernels::best();
  const auto options = x.options().requires_grad(false);
  const auto spread =
      at::empty({static_cast<std::int64_t>(size.positions() * w.in * w.out)}, options);
  auto* const by = spread.mutable_data_ptr<float>();
  auto y = at::empty({x.size(0), static_cast<std::int64_t>(w.out), x.size(2), x.size(3)}, options,
                     torch::MemoryFormat::ChannelsLast);
  const auto* const from = x.const_data_ptr<float>();
  auto* const to = y.mutable_data_ptr<float>();
  const winograd_pieces pieces{x, size, w.in, w.out, winograd_kernels::tiles_together, 1024};
  pieces.each_filter([&](const auto& part) { passes.spread_filters(size, w, part, by); });
  pieces.each([&](std::int64_t, const auto& tiles, const auto& part, float* scratch) {
    passes.product(tiles, from, w.in, by, w.out, part, to, scratch);
  });
  return y;
}

ROLEWISE_INLINE torch::Tensor winograd_weight_gradient(const torch::Tensor& gradient,
                                                       const torch::Tensor& x,
                                                       const torch::Tensor& w,
                                                       const winograd_kernels::tile_size& size)
{
  constexpr std::size_t most_floats = std::size_t{1} << 21, least_tiles = 48;
  const auto& passes = winograd_kernels::best();
  auto result = at::empty_like(w, w.options().requires_grad(false));
  const auto to = filters_of(result, result.mutable_data_ptr<float>());
  const auto numbers = size.positions() * to.in * to.out;
  const winograd_pieces pieces{
      x, size, to.in, to.out, least_tiles, std::clamp<std::size_t>(most_floats / numbers, 1, 8)};
  const auto sums =
      at::empty({pieces.stretches, static_cast<std::int64_t>(numbers)}, result.options());
  auto* const whole = sums.mutable_data_ptr<float>();
  const auto* const g = gradient.const_data_ptr<float>();
  const auto add = [&](const auto& add_piece, const auto* from) {
    pieces.each([&](std::int64_t stretch, const auto& tiles, const auto& part, float* scratch) {
      add_piece(tiles, from, to.in, g, to.out, part,
                whole + static_cast<std::size_t>(stretch) * numbers, scratch);
    });
  };
  if (x.scalar_type() == torch::kByte)
    add(passes.weight_sums_of_bytes, x.const_data_ptr<std::uint8_t>());
  else
    add(passes.weight_sums, x.const_data_ptr<float>());
  pieces.each_filter([&](const auto& part) {
    passes.gather_gradient(size, whole, static_cast<std::size_t>(pieces.stretches), to, part);
  });
  return result;
}

}  // namespace rolewise::detail
