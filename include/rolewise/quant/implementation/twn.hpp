// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/twn.hpp>.

#include <rolewise/quant/twn.hpp>
#include <rolewise/support/error.hpp>

#include <tuple>

namespace rolewise {

ROLEWISE_INLINE twn::weights twn::start_weights(const layer_id& place) const
{
  if (!(factor >= 0)) throw_invalid_argument(name, "factor is ", factor, ", want 0 or more");
  return {threshold, factor, place.name};
}

}  // namespace rolewise

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor optimal_ternary_mask(const torch::Tensor& size)
{
  const auto sorted = std::get<0>(size.flatten().sort(0, true)).to(torch::kDouble);
  const auto k = at::arange(1, sorted.numel() + 1, sorted.options());
  const auto best = (sorted.cumsum(0).square() / k).argmax();
  return size.ge(sorted[best.item<std::int64_t>()].to(size.scalar_type()));
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE quantized twn::weights::operator()(const torch::Tensor& w, bit_width bits) const
{
  if (bits.is_full()) return {.levels = w, .scale = {}};
  detail::require_bits(name, layer, bits, bit_width{2}, "its weights have three values");
  constexpr level_range range{-1, 1};
  if (w.numel() == 0) return detail::empty_levels(w, range);
  const auto x = detail::in_at_least_single(w);
  const auto size = x.abs();
  const auto mean = size.mean();
  detail::require_finite(name, "weights", layer, mean);
  const auto large = threshold == twn_threshold::optimal ? detail::optimal_ternary_mask(size)
                                                         : size.gt(mean * factor);
  const auto codes = x.sign().mul_(large);
  const auto count = codes.abs().sum();
  const auto none = count.eq(0);
  return {.levels = codes,
          .scale = (x * codes).sum().div_(count.masked_fill(none, 1)).masked_fill_(none, 1),
          .is_integer = true,
          .range = range,
          .gradient_proxy = detail::gradient_proxy_through(w)};
}

}  // namespace rolewise
