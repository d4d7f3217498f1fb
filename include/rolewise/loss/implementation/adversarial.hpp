// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/adversarial.hpp>.

#include <rolewise/loss/adversarial.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/log_sigmoid.h>

#include <string_view>

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

}  // namespace rolewise
