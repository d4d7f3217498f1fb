// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/text_transformer.hpp>.

#include <rolewise/network/text_transformer.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void require_tokens(std::string_view network, const batch& examples,
                                    std::int64_t longest, std::int64_t width)
{
  const auto& tokens = examples.inputs;
  const auto& mask = examples.mask;
  const bool are_indices =
      tokens.defined() && tokens.dim() == 2 && tokens.scalar_type() == torch::kLong;
  const bool are_embeddings = tokens.defined() && tokens.dim() == 3 && tokens.is_floating_point() &&
                              tokens.size(2) == width;
  if (!are_indices && !are_embeddings)
    throw_invalid_argument(network, "want embeddings [N, L, ", width,
                           "] of floating point or token indices [N, L] of int64, got ",
                           tokens.defined() ? classic_text(tokens.sizes()) : "an undefined tensor",
                           tokens.defined() ? " of " : "",
                           tokens.defined() ? c10::toString(tokens.scalar_type()) : "");
  if (tokens.size(1) > longest)
    throw_invalid_argument(network, "want sequences of up to ", longest, " tokens, got ",
                           tokens.size(1));
  const auto places = tokens.sizes().slice(0, 2);
  if (mask.defined() && (mask.scalar_type() != torch::kBool || mask.sizes() != places))
    throw_invalid_argument(network, "want a mask of bool and of the shape ", places,
                           " of the tokens, got ", mask.sizes(), " of ", mask.scalar_type());
}

ROLEWISE_INLINE torch::Tensor embedded(const batch& examples, const torch::Tensor& table)
{
  if (examples.inputs.dim() == 3) return examples.inputs.to(table.scalar_type());
  return embeddings_of(examples, table);
}

ROLEWISE_INLINE torch::Tensor mean_of_tokens(const torch::Tensor& x, const torch::Tensor& mask)
{
  if (!mask.defined()) return x.mean(1);
  const auto weights = mask.unsqueeze(2).to(x.scalar_type());
  return (x * weights).sum(1) / weights.sum(1).clamp_min(1);
}

}  // namespace rolewise::detail
