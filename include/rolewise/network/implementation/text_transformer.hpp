// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/text_transformer.hpp>.

#include <rolewise/network/text_transformer.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void require_tokens(std::string_view network, const batch& examples,
                                    std::int64_t longest)
{
  const auto& tokens = examples.inputs;
  const auto& mask = examples.mask;
  if (!tokens.defined() || tokens.dim() != 2 || tokens.scalar_type() != torch::kLong)
    throw_invalid_argument(network, "want token indices [N, L] of int64, got ",
                           tokens.defined() ? classic_text(tokens.sizes()) : "an undefined tensor",
                           tokens.defined() ? " of " : "",
                           tokens.defined() ? c10::toString(tokens.scalar_type()) : "");
  if (tokens.size(1) > longest)
    throw_invalid_argument(network, "want sequences of up to ", longest, " tokens, got ",
                           tokens.size(1));
  if (mask.defined() && (mask.scalar_type() != torch::kBool || mask.sizes() != tokens.sizes()))
    throw_invalid_argument(network, "want a mask of bool and of the shape ", tokens.sizes(),
                           " of the tokens, got ", mask.sizes(), " of ", mask.scalar_type());
}

ROLEWISE_INLINE torch::Tensor tokens_of(const batch& examples)
{
  if (!examples.mask.defined()) return examples.inputs;
  return examples.inputs.masked_fill(examples.mask.logical_not(), 0);
}

ROLEWISE_INLINE torch::Tensor mean_of_tokens(const torch::Tensor& x, const torch::Tensor& mask)
{
  if (!mask.defined()) return x.mean(1);
  const auto weights = mask.unsqueeze(2).to(x.scalar_type());
  return (x * weights).sum(1) / weights.sum(1).clamp_min(1);
}

}  // namespace rolewise::detail
