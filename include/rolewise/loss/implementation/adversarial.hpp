// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/adversarial.hpp>.

#include <rolewise/loss/adversarial.hpp>

#include <rolewise/core/autograd.hpp>
#include <rolewise/core/gradients_on.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/log_sigmoid.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise {

namespace detail {

inline void require_guesses(const torch::Tensor& logits, std::string_view which)
{
  if (!logits.defined() || !logits.is_floating_point() || logits.numel() == 0)
    throw_invalid_argument(
        "adversarial loss", "want logits of a discriminator of ", which, " examples, got ",
        logits.defined() ? classic_text(logits.sizes(), " of ", logits.scalar_type())
                         : "an undefined tensor");
}

}  // namespace detail

ROLEWISE_INLINE torch::Tensor discriminator_loss(const torch::Tensor& real,
                                                 const torch::Tensor& fake)
{
  detail::require_guesses(real, "real");
  detail::require_guesses(fake, "fake");
  return -at::log_sigmoid(real).mean() - at::log_sigmoid(-fake).mean();
}

ROLEWISE_INLINE torch::Tensor deception_loss(const torch::Tensor& fake)
{
  detail::require_guesses(fake, "fake");
  return -at::log_sigmoid(fake).mean();
}

ROLEWISE_INLINE torch::Tensor gradient_penalty(
    const std::function<torch::Tensor(const torch::Tensor&)>& critic, const torch::Tensor& real,
    const torch::Tensor& generated, const torch::Tensor& u)
{
  constexpr std::string_view who = "gradient_penalty";
  if (!real.defined() || !generated.defined() || !u.defined() || !real.is_floating_point() ||
      real.dim() < 1 || real.numel() == 0 || generated.sizes() != real.sizes() || u.dim() != 1 ||
      u.size(0) != real.size(0))
    throw_invalid_argument(who, "want real and generated examples [N, ...] of one size, floating ",
                           "point, not empty, and u [N]");
  const detail::gradients_on for_now{who};
  const auto count = real.size(0);
  std::vector<std::int64_t> beside(static_cast<std::size_t>(real.dim()), 1);
  beside[0] = count;
  const auto other = generated.detach();
  const auto points = other + u.detach().to(real.options().requires_grad(false)).view(beside) *
                                  (real.detach() - other);
  const auto leaf = points.detach().set_requires_grad(true);
  const auto value = critic(leaf);
  if (!value.defined() || value.dim() != 1 || value.size(0) != count || !value.requires_grad())
    throw_invalid_argument(who, "want a critic that gives [", count, "] with a graph");
  const auto slope = torch::autograd::grad({value.sum()}, {leaf}, {}, true, true, true)[0];
  if (!slope.defined()) throw_invalid_argument(who, "the critic does not depend on its input");
  // The root has no slope at 0.
  const auto norm = (slope.reshape({count, -1}).square().sum(1) + 1e-12).sqrt();
  return (norm - 1.0).square().mean();
}

}  // namespace rolewise
