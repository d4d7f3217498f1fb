// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/binary_connect.hpp>.

#include <rolewise/quant/binary_connect.hpp>

#include <rolewise/quant/detail/gradient_proxies.hpp>

#include <cmath>

namespace rolewise {

ROLEWISE_INLINE void binary_connect::weights::constrain(torch::Tensor& w, bit_width bits) const
{
  if (bits.is_full()) return;
  const torch::NoGradGuard no_graph;
  const double h = size_of(w);
  w.clamp_(-h, h);
}

ROLEWISE_INLINE quantized binary_connect::weights::evaluated(const torch::Tensor& w,
                                                             bit_width bits) const
{
  if (real_in_evaluation_) return {.levels = w, .scale = {}};
  return quantize(w, bits, binary_choice::deterministic);
}

ROLEWISE_INLINE double binary_connect::weights::size_of(const torch::Tensor& w) const
{
  if (size_ == binary_size::one || w.numel() == 0) return 1.0;
  const auto fan_in = w.numel() / w.size(0);
  const auto fan_out = w.dim() > 1 ? w.numel() / w.size(1) : w.size(0);
  return std::sqrt(1.5 / static_cast<double>(fan_in + fan_out));
}

ROLEWISE_INLINE quantized binary_connect::weights::quantize(const torch::Tensor& w, bit_width bits,
                                                            binary_choice how) const
{
  if (bits.is_full()) return {.levels = w, .scale = {}};
  detail::require_bits(name, layer_, bits, bit_width{1}, "its weights are signs");
  const auto x = detail::in_at_least_single(w);
  detail::require_finite(name, "weights", layer_, x);
  const double h = size_of(w);
  auto levels = detail::binary_signs(x);
  if (how == binary_choice::stochastic) {
    const auto probability = (x / h).add_(1).mul_(0.5);
    levels = at::where(levels.isnan(), levels, draws_.uniform(x).lt(probability) * 2.0 - 1.0);
  }
  return {.levels = levels.to(x.scalar_type()),
          .scale = at::full({}, h, x.options()),
          .is_integer = true,
          .range = level_range{-1, 1},
          .gradient_proxy = detail::gradient_proxy_through(w)};
}

}  // namespace rolewise
