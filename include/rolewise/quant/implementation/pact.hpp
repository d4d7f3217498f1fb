// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/pact.hpp>.

#include <rolewise/quant/pact.hpp>

#include <rolewise/core/autograd_function.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>

namespace rolewise::detail {

/// Autograd function: writes the codes of x, clipped to [0, clip], to `levels`; returns the
/// gradient proxy of the values.
struct by_learned_clip : torch::autograd::Function<by_learned_clip> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& clip, double n, const pact_options& options,
                               torch::Tensor* levels);
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list& gradient);
};

ROLEWISE_INLINE torch::Tensor by_learned_clip::forward(torch::autograd::AutogradContext* context,
                                                       const torch::Tensor& x,
                                                       const torch::Tensor& clip, double n,
                                                       const pact_options& options,
                                                       torch::Tensor* levels)
{
  context->save_for_backward({x, clip});
  context->saved_data["n"] = n;
  context->saved_data["decay"] = options.decay;
  context->saved_data["exact"] = options.gradient == pact_gradient::exact;
  *levels = codes_of("pact", x, code_map_within(clip, n), nonfinite_policy::nan);
  return gradient_proxy_for(x);
}

ROLEWISE_INLINE torch::autograd::variable_list by_learned_clip::backward(
    torch::autograd::AutogradContext* context, torch::autograd::variable_list& gradient)
{
  const auto saved = context->get_saved_variables();
  const auto &x = saved[0], &clip = saved[1];
  const double n = context->saved_data["n"].toDouble();
  const bool exact = context->saved_data["exact"].toBool();
  const auto how = exact ? backward_rule::clip : backward_rule::clip_only;
  auto back =
      back_through("pact", how, std::exchange(gradient[0], {}), x, code_map_within(clip, n));
  auto to_clip = scaled_for(clip, back.first, exact ? 1.0 / n : 1.0);
  if (const double decay = context->saved_data["decay"].toDouble(); decay != 0.0)
    to_clip = to_clip + clip * decay;
  return {back.to_x, to_clip, {}, {}, {}};
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE pact_activations::pact_activations(pact_options options) : options_{options}
{
  if (!std::isfinite(options.decay) || options.decay < 0.0)
    throw_invalid_argument("pact", "the decay of the clip is ", options.decay, "; want 0 or more");
  if (!options.clip) return;
  if (!std::isfinite(*options.clip) || *options.clip < detail::least_clip)
    throw_invalid_argument("pact", "the clip to start from is ", *options.clip,
                           "; want a positive number");
  clip_.start(at::full({}, *options.clip, torch::kFloat));
}

ROLEWISE_INLINE torch::Tensor pact_activations::start_for(const torch::Tensor& x)
{
  const torch::NoGradGuard without_graph;
  if (x.numel() == 0) return at::zeros({}, x.options().dtype(torch::kFloat));
  const auto flat = detail::at_least_single(x.detach()).reshape({-1});
  const auto place = std::max<std::int64_t>(
      static_cast<std::int64_t>(std::ceil(0.999 * static_cast<double>(flat.numel()))), 1);
  const auto percentile = std::get<0>(flat.kthvalue(place));
  return at::where(percentile.gt(0), percentile, flat.max());
}

ROLEWISE_INLINE void pact_activations::observe(const torch::Tensor& x, bit_width bits)
{
  if (bits.is_full()) return;
  const torch::NoGradGuard without_graph;
  if (!clip_.is_started())
    if (const auto value = start_for(x); detail::can_start(value)) clip_.start(value);
  clip_.keep_above(detail::least_clip);
}

ROLEWISE_INLINE quantized pact_activations::operator()(const torch::Tensor& x, bit_width bits) const
{
  if (bits.is_full()) return {.levels = x.relu(), .scale = {}};
  const auto clip = clip_.is_started() ? clip_.tensor() : detail::usable(start_for(x));
  auto q = codes_within(clip, bits);
  q.gradient_proxy =
      detail::by_learned_clip::apply(x, clip, detail::intervals(bits), options_, &q.levels);
  return q;
}

ROLEWISE_INLINE quantized pact_activations::codes_within(const torch::Tensor& clip, bit_width bits)
{
  const double n = detail::intervals(bits);
  return {.scale = clip.detach().clamp_min(detail::least_clip) / n,
          .is_integer = true,
          .range = level_range{0, static_cast<std::int64_t>(n)}};
}

ROLEWISE_INLINE std::optional<detail::fusible_steps> pact_activations::steps(at::IntArrayRef,
                                                                             bit_width bits) const
{
  if (!clip_.is_started() || options_.gradient != pact_gradient::exact) return std::nullopt;
  const auto n = static_cast<std::int64_t>(detail::intervals(bits));
  return detail::fusible_steps{
      .how = detail::backward_rule::clip,
      .rule = {.who = "pact", .codes = {0, n}, .gradient_scale = 1.0 / static_cast<double>(n)},
      .step = clip_.tensor(),
      .decay = options_.decay,
      .codes = codes_within(clip_.tensor(), bits)};
}

}  // namespace rolewise
