// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Winograd convolution of tensors, with gradients, multithreaded.

#include <rolewise/core/tensor.hpp>
#include <rolewise/network/detail/winograd/variants.hpp>
#include <rolewise/support/parallel_for.hpp>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rolewise::detail {

/// Whether Winograd convolution applies. It does not while LibTorch's own fast convolutions are
/// disabled (`setUserEnabledMkldnn`), nor under autocast, which computes in another dtype.
[[nodiscard]] inline bool fits_winograd(const torch::Tensor& x, const torch::Tensor& w,
                                        std::int64_t stride, std::int64_t padding)
{
  constexpr auto together = static_cast<std::int64_t>(winograd_kernels::channels_together);
  const auto is_plain = [](const torch::Tensor& t) {
    return t.device().is_cpu() && t.dim() == 4 && t.scalar_type() == torch::kFloat &&
           t.layout() == torch::kStrided && t.numel() > 0 && !t.is_neg();
  };
  // With few tiles, transforming many filters does not pay.
  const auto pays = [&] { return 2 * x.numel() >= x.size(1) * std::max(w.size(0), w.size(1)); };
  return stride == 1 && padding == 1 && is_plain(x) && is_plain(w) && w.size(2) == 3 &&
         w.size(3) == 3 && x.size(1) == w.size(1) && x.size(1) % together == 0 &&
         w.size(0) % together == 0 && x.is_contiguous(torch::MemoryFormat::ChannelsLast) &&
         pays() && winograd_kernels::are_worthwhile() && at::globalContext().userEnabledMkldnn() &&
         c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::AutocastCPU);
}

/// Partition of a convolution for threads: ranges of tiles, and of output channels where there
/// are many. It does not depend on the number of threads.
struct winograd_pieces {
  winograd_kernels::tile_range all;
  std::size_t in, out;
  std::int64_t stretches, parts;

  /// @param most maximum number of tile ranges
  winograd_pieces(const torch::Tensor& x, std::size_t inputs, std::size_t outputs,
                  std::int64_t most)
      : all{static_cast<std::size_t>(x.size(2)), static_cast<std::size_t>(x.size(3)), 0, 0},
        in{inputs},
        out{outputs},
        parts{static_cast<std::int64_t>((outputs + outputs_of_part - 1) / outputs_of_part)}
  {
    all.end = static_cast<std::size_t>(x.size(0)) * all.of_image();
    stretches = std::clamp<std::int64_t>(
        static_cast<std::int64_t>(all.end / winograd_kernels::tiles_summed), 1, most);
  }

  [[nodiscard]] winograd_kernels::channel_range part(std::int64_t number) const
  {
    const auto first = static_cast<std::size_t>(number) * outputs_of_part;
    return {first, std::min(out, first + outputs_of_part)};
  }

  /// Calls `work(part)` for each part of the output channels.
  template<typename Work>
  void each_part(const Work& work) const
  {
    parallel_for(parts, at::get_num_threads(), [&](std::int64_t number) { work(part(number)); });
  }
  /// Calls `work(stretch, tiles, part, scratch memory)` for each stretch with tiles and each part
  /// of the output channels.
  template<typename Work>
  void each(const Work& work) const
  {
    constexpr auto together = winograd_kernels::tiles_together;
    const auto count = static_cast<std::size_t>(stretches);
    const auto length = (all.end + count * together - 1) / (count * together) * together;
    const auto floats = winograd_kernels::scratch_size(in, std::min(out, outputs_of_part));
    parallel_for(stretches * parts, at::get_num_threads(), [&](std::int64_t piece) {
      auto tiles = all;
      tiles.first = std::min(all.end, static_cast<std::size_t>(piece / parts) * length);
      tiles.end = std::min(all.end, tiles.first + length);
      if (tiles.size() > 0)
        work(piece / parts, tiles, part(piece % parts), scratch_of_this_thread(floats));
    });
  }

 private:
  /// Each part transforms all inputs again, so parts are large.
  static constexpr std::size_t outputs_of_part = 128;

  [[nodiscard]] static float* scratch_of_this_thread(std::size_t floats)
  {
    thread_local torch::Tensor memory;
    const auto bytes = static_cast<std::int64_t>(floats * sizeof(float));
    if (!memory.defined() || memory.numel() < bytes)
      memory = at::empty({bytes}, torch::TensorOptions{}.dtype(torch::kByte));
    return static_cast<float*>(memory.mutable_data_ptr());
  }
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
[[nodiscard]] inline torch::Tensor winograd_product(const torch::Tensor& x,
                                                    const winograd_kernels::filters<const float>& w)
{
  const auto& passes = winograd_kernels::best();
  const auto options = x.options().requires_grad(false);
  const auto spread =
      at::empty({static_cast<std::int64_t>(winograd_kernels::positions * w.in * w.out)}, options);
  auto* const by = spread.mutable_data_ptr<float>();
  auto y = at::empty({x.size(0), static_cast<std::int64_t>(w.out), x.size(2), x.size(3)}, options,
                     torch::MemoryFormat::ChannelsLast);
  const auto* const from = x.const_data_ptr<float>();
  auto* const to = y.mutable_data_ptr<float>();
  const winograd_pieces pieces{x, w.in, w.out, 1024};
  pieces.each_part([&](const auto& part) { passes.spread_filters(w, part, by); });
  pieces.each([&](std::int64_t, const auto& tiles, const auto& part, float* scratch) {
    passes.product(tiles, from, w.in, by, w.out, part, to, scratch);
  });
  return y;
}

/// The gradient with respect to w.
/// @param gradient of the product, channels last
/// @return laid out like w
[[nodiscard]] inline torch::Tensor winograd_weight_gradient(const torch::Tensor& gradient,
                                                            const torch::Tensor& x,
                                                            const torch::Tensor& w)
{
  constexpr std::int64_t most_bytes = std::int64_t{1} << 23;
  const auto numbers =
      static_cast<std::int64_t>(winograd_kernels::positions) * w.size(0) * w.size(1);
  const auto& passes = winograd_kernels::best();
  auto result = at::empty_like(w, w.options().requires_grad(false));
  const auto to = filters_of(result, result.mutable_data_ptr<float>());
  const winograd_pieces pieces{x, to.in, to.out,
                               std::clamp<std::int64_t>(most_bytes / (4 * numbers), 1, 8)};
  const auto sums = at::zeros({pieces.stretches, numbers}, result.options());
  auto* const whole = sums.mutable_data_ptr<float>();
  const auto* const from = x.const_data_ptr<float>();
  const auto* const g = gradient.const_data_ptr<float>();
  pieces.each([&](std::int64_t stretch, const auto& tiles, const auto& part, float* scratch) {
    passes.weight_sums(tiles, from, to.in, g, to.out, part, whole + stretch * numbers, scratch);
  });
  auto first = sums[0];
  for (std::int64_t stretch = 1; stretch < pieces.stretches; ++stretch) first += sums[stretch];
  pieces.each_part([&](const auto& part) { passes.gather_gradient(whole, to, part); });
  return result;
}

}  // namespace rolewise::detail
