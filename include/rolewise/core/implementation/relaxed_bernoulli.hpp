// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/relaxed_bernoulli.hpp>.

#include <rolewise/core/relaxed_bernoulli.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor relaxed_bernoulli(const torch::Tensor& logit, const torch::Tensor& u,
                                                double temperature)
{
  if (!logit.defined() || !u.defined() || !logit.is_floating_point() || !u.is_floating_point())
    throw_invalid_argument("relaxed_bernoulli", "want logits and uniform draws of floating point");
  if (!(temperature > 0.0) || !std::isfinite(temperature))
    throw_invalid_argument("relaxed_bernoulli", "want a temperature above 0, got ", temperature);
  const auto drawn = u.detach().to(torch::kDouble);
  const auto noise = (drawn.log() - (-drawn).log1p()).to(logit.options().requires_grad(false));
  return ((noise + logit) / temperature).sigmoid();
}

}  // namespace rolewise
