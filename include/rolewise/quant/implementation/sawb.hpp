// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/sawb.hpp>.

#include <rolewise/quant/sawb.hpp>
#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE quantized sawb_quantized(const torch::Tensor& w, const torch::Tensor& clip,
                                         bit_width bits, sawb_levels levels)
{
  const auto u = (w / clip).clamp_(-1, 1);
  if (levels == sawb_levels::with_zero) {
    const auto q = static_cast<std::int64_t>(std::exp2(bits.value() - 1)) - 1;
    return {.levels = (u * q).round_(),
            .scale = clip / q,
            .is_integer = true,
            .range = level_range{-q, q}};
  }
  const auto n = static_cast<std::int64_t>(std::exp2(bits.value())) - 1;
  const auto codes = n == 1 ? binary_signs(w) : ((u / 2 + 0.5) * n).round_().mul_(2).sub_(n);
  return {.levels = codes, .scale = clip / n, .is_integer = true, .range = level_range{-n, n}};
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE torch::Tensor sawb::weights::clip_of(const torch::Tensor& w, bit_width bits) const
{
  const auto found =
      how_.coefficients ? how_.coefficients : sawb_coefficients_for(bits, how_.levels);
  if (!found || (how_.levels == sawb_levels::with_zero && bits.value() == 1)) {
    const bool zero = how_.levels == sawb_levels::with_zero;
    throw_invalid_argument(
        name, "layer ", layer_, " is to have ", bits.value(), " bits; there are coefficients for ",
        zero ? "2, 4, 7 and 8 bits with" : "1, 2, 3, 4, 5 and 8 bits without", " a level of zero");
  }
  const auto rows = detail::rows_per_scale(detail::in_at_least_single(w), how_.shared);
  const auto size = rows.abs();
  const auto root = rows.square().mean(1).sqrt();
  auto clip = root * found->of_root_mean_square + size.mean(1) * found->of_mean_size;
  detail::require_finite(name, "weights", layer_, clip);
  clip = at::where(clip.gt(0), clip, size.amax(1));
  return how_.shared == granularity::per_tensor ? clip[0] : clip;
}

ROLEWISE_INLINE quantized sawb::weights::operator()(const torch::Tensor& w, bit_width bits) const
{
  if (bits.is_full()) return {.levels = w, .scale = {}};
  if (w.numel() == 0) return detail::empty_levels(w, {});
  auto clip = clip_of(w, bits);
  if (clip.dim() == 1) clip = detail::beside_filters(clip, w);
  const auto x = detail::in_at_least_single(w);
  const auto all_zero = clip.eq(0);
  auto q = detail::sawb_quantized(x, clip.masked_fill(all_zero, 1), bits, how_.levels);
  q.levels.masked_fill_(all_zero, 0);
  const bool masked = how_.gradient == sawb_gradient::clipped && detail::wants_gradient(w);
  q.gradient_proxy = detail::gradient_proxy_through(w, masked ? x.abs().le(clip) : torch::Tensor{});
  return q;
}

}  // namespace rolewise
