// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/lsq_plus.hpp>.

#include <rolewise/quant/lsq_plus.hpp>

#include <cmath>
#include <limits>
#include <optional>

namespace rolewise {

ROLEWISE_INLINE lsq_plus::weights lsq_plus::start_weights(const layer_id&) const
{
  return weights{{.who = "lsq_plus",
                  .signs = weight_signs,
                  .per_channel = per_channel,
                  .start = step_start::three_sigma}};
}

}  // namespace rolewise

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor sample_of(const torch::Tensor& x)
{
  constexpr std::int64_t most = std::int64_t{1} << 16;
  const auto flat = at_least_single(x.detach()).reshape({-1});
  return flat.slice(0, 0, flat.numel(), (flat.numel() + most - 1) / most).contiguous();
}

ROLEWISE_INLINE double best_share(const torch::Tensor& sample, double low, double high, double n)
{
  double best = 1.0, least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 80; ++i) {
    const double share = 1.0 - i / 100.0, from = low * share, step = (high - low) * share / n;
    const auto codes = ((sample - from) / step).round_().clamp_(0, n);
    const double error = (codes * step + from - sample).square_().mean().item<double>();
    if (!(error < least)) continue;
    least = error;
    best = share;
  }
  return best;
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE lsq_plus_activations::line lsq_plus_activations::start_for(const torch::Tensor& x,
                                                                           bit_width bits) const
{
  const torch::NoGradGuard without_graph;
  if (x.numel() == 0) return {};
  const auto [least, most] = detail::at_least_single(x.detach()).aminmax();
  const auto low = least.item<double>(), high = most.item<double>();
  const double n = detail::intervals(bits);
  if (!std::isfinite(low) || !std::isfinite(high)) return {};
  if (low == high) return {.step = 1.0, .offset = low};
  const double share =
      start_ == range_start::min_max ? 1.0 : detail::best_share(detail::sample_of(x), low, high, n);
  return {(high - low) * share / n, low * share, true};
}

ROLEWISE_INLINE void lsq_plus_activations::observe(const torch::Tensor& x, bit_width bits)
{
  if (bits.is_full()) return;
  const torch::NoGradGuard without_graph;
  if (!step_.is_started()) {
    if (const auto found = start_for(x, bits); found.is_usable) {
      step_.start(detail::scale_beside(x, found.step));
      offset_.start(detail::scale_beside(x, found.offset));
    }
  } else if (bits_ != 0 && bits_ != bits.value()) {
    step_.multiply(detail::step_ratio(code_signs::unsigned_codes, bits_, bits));
  }
  bits_ = bits.value();
  step_.keep_above(detail::least_step);
}

ROLEWISE_INLINE quantized lsq_plus_activations::operator()(const torch::Tensor& x,
                                                           bit_width bits) const
{
  if (bits.is_full()) return {.levels = x.relu(), .scale = {}};
  auto step = step_.tensor(), offset = offset_.tensor();
  if (!step_.is_started()) {
    const auto found = start_for(x, bits);
    step = detail::scale_beside(x, found.step);
    offset = detail::scale_beside(x, found.offset);
  }
  const auto codes = detail::step_codes::of(code_signs::unsigned_codes, bits);
  const detail::step_rule rule{
      .who = "lsq_plus",
      .codes = codes,
      .gradient_scale = detail::step_gradient_scale(x.sizes(), counted_, codes)};
  quantized q{.scale = step.detach().clamp_min(detail::least_step),
              .is_integer = true,
              .offset = offset.detach(),
              .range = level_range{codes.lowest, codes.highest}};
  q.gradient_proxy = detail::gradient_proxy_by_learned_step(x, step, offset, rule, &q.levels);
  return q;
}

}  // namespace rolewise
