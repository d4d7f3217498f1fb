// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/lsq.hpp>.

#include <rolewise/quant/lsq.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>

namespace rolewise {

ROLEWISE_INLINE lsq_weights::lsq_weights(lsq_weight_options options) : options_{options}
{
  if (options.signs == code_signs::unsigned_codes)
    throw_invalid_argument(options.who,
                           "weights have both signs; want signed or narrow codes for them");
  if (options.per_channel) step_.wait_for_shape();
}

ROLEWISE_INLINE std::vector<std::int64_t> lsq_weights::shape_for(const torch::Tensor& w) const
{
  if (!options_.per_channel || w.dim() == 0) return {};
  std::vector<std::int64_t> shape(static_cast<std::size_t>(w.dim()), 1);
  shape[0] = w.size(0);
  return shape;
}

ROLEWISE_INLINE torch::Tensor lsq_weights::start_for(const torch::Tensor& w, bit_width bits) const
{
  const torch::NoGradGuard without_graph;
  const auto shape = shape_for(w);
  if (w.numel() == 0) return at::zeros(shape, w.options().dtype(torch::kFloat));
  const auto wide = detail::at_least_single(w.detach());
  const auto flat = shape.empty() ? wide.reshape({1, -1}) : wide.reshape({w.size(0), -1});
  if (bits.value() > 1 && options_.start == step_start::three_sigma) {
    const auto mu = flat.mean(1);
    const auto sigma3 = flat.var(1, flat.size(1) > 1, false).sqrt() * 3;
    const auto most = at::maximum((mu - sigma3).abs(), (mu + sigma3).abs());
    return (most / std::exp2(bits.value() - 1)).view(shape);
  }
  const auto mean = flat.abs().mean(1).view(shape);
  const auto most = detail::step_codes::of(options_.signs, bits).highest;
  return bits.value() == 1 ? mean : mean * (2.0 / std::sqrt(static_cast<double>(most)));
}

ROLEWISE_INLINE void lsq_weights::observe(const torch::Tensor& w, bit_width bits)
{
  begin(w);
  detail::observe_step(step_, bits_, options_.signs, bits, [&] { return start_for(w, bits); });
}

ROLEWISE_INLINE quantized lsq_weights::operator()(const torch::Tensor& w, bit_width bits) const
{
  if (bits.is_full()) return {.levels = w, .scale = {}};
  const bool has_step = step_.is_started() && (step_.tensor().dim() == 0 || w.numel() > 0);
  const auto step = has_step ? step_.tensor() : detail::usable(start_for(w, bits));
  const bool signs = bits.value() == 1;
  const auto codes =
      signs ? detail::step_codes{-1, 1} : detail::step_codes::of(options_.signs, bits);
  const auto n = static_cast<double>(std::max<std::int64_t>(w.numel(), 1) * codes.most());
  const detail::step_rule rule{.who = options_.who,
                               .codes = codes,
                               .gradient_scale = 1.0 / std::sqrt(n),
                               .nonfinite = detail::nonfinite_policy::nan_and_infinity};
  quantized q{.scale = step.detach().clamp_min(detail::least_step),
              .is_integer = true,
              .range = level_range{codes.lowest, codes.highest}};
  q.gradient_proxy =
      signs ? detail::gradient_proxy_of_signs(w, step, rule, &q.levels)
            : detail::gradient_proxy_by_learned_step(w, step, std::nullopt, rule, &q.levels);
  return q;
}

}  // namespace rolewise
