// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/relaxed_categorical.hpp>.

#include <rolewise/core/relaxed_categorical.hpp>

#include <rolewise/core/autograd.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <string_view>

namespace rolewise {

namespace detail {

/// -log(u) in double precision, above 0.
[[nodiscard]] inline torch::Tensor exponential_of(const torch::Tensor& u)
{
  return -u.detach().to(torch::kDouble).clamp_min(0x1p-25).log();
}

ROLEWISE_INLINE void require_floating(std::string_view who, const torch::Tensor& logits,
                                      const torch::Tensor& u)
{
  if (!logits.defined() || !u.defined() || !logits.is_floating_point() || !u.is_floating_point())
    throw_invalid_argument(who, "want logits and uniform draws of floating point");
}

}  // namespace detail

ROLEWISE_INLINE torch::Tensor relaxed_categorical(const torch::Tensor& logits,
                                                  const torch::Tensor& u, double temperature)
{
  detail::require_floating("relaxed_categorical", logits, u);
  if (!(temperature > 0.0) || !std::isfinite(temperature))
    throw_invalid_argument("relaxed_categorical", "want a temperature above 0, got ", temperature);
  const auto noise = -detail::exponential_of(u).log();
  return at::softmax((logits + noise.to(logits.options().requires_grad(false))) / temperature, -1);
}

ROLEWISE_INLINE categorical_draw draw_categorical(const torch::Tensor& logits,
                                                  const torch::Tensor& u, const torch::Tensor& v)
{
  constexpr std::string_view who = "draw_categorical";
  detail::require_floating(who, logits, u);
  detail::require_floating(who, logits, v);
  if (logits.dim() != 2 || logits.size(1) < 1 || u.sizes() != logits.sizes() ||
      v.sizes() != logits.sizes())
    throw_invalid_argument(who, "want logits, u and v [N, K], got ", logits.sizes(), ", ",
                           u.sizes(), " and ", v.sizes());
  const auto options = logits.options().requires_grad(false);
  const auto log_p = at::log_softmax(logits, 1);
  const auto z = log_p - detail::exponential_of(u).log().to(options);
  const auto choice = z.detach().argmax(1, true);
  // Given the choice b: the noise of the largest is Gumbel at 0, because probabilities sum to 1;
  // the others are Gumbel below it.
  const auto noise = detail::exponential_of(v).to(options);
  const auto of_choice = noise.gather(1, choice);
  // -log(noise / p + of_choice), whose terms leave the range where p is tiny.
  const auto below = -at::logaddexp(noise.log() - log_p, of_choice.log());
  const auto chosen = at::zeros_like(z, torch::kBool).scatter(1, choice, true);
  return {logits, choice.squeeze(1), z, at::where(chosen, -of_choice.log(), below)};
}

ROLEWISE_INLINE torch::Tensor relax_gradient(const categorical_draw& drawn, const torch::Tensor& f,
                                             const torch::Tensor& of_relaxed,
                                             const torch::Tensor& of_conditional)
{
  const auto count = drawn.logits.size(0);
  for (const auto* each : {&f, &of_relaxed, &of_conditional})
    if (!each->defined() || each->dim() != 1 || each->size(0) != count)
      throw_invalid_argument("relax_gradient", "want f and both values of the control [", count,
                             "]");
  const auto p = at::softmax(drawn.logits.detach(), 1);
  const auto score = at::zeros_like(p).scatter(1, drawn.choice.unsqueeze(1), 1.0) - p;
  const auto estimate = (f.detach() - of_conditional).unsqueeze(1) * score;
  const auto difference = (of_relaxed - of_conditional).sum();
  if (!difference.requires_grad()) return estimate;
  if (!drawn.logits.requires_grad())
    throw_invalid_argument("relax_gradient", "the control has a graph, but the logits of the draw ",
                           "require no gradient, so that it would be biased; want logits that do");
  const auto slope =
      torch::autograd::grad({difference}, {drawn.logits}, {}, true, true, /*allow_unused=*/true)[0];
  return slope.defined() ? estimate + slope : estimate;
}

}  // namespace rolewise
