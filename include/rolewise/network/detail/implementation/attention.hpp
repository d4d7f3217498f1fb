// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/attention.hpp>.

#include <rolewise/network/detail/attention.hpp>

#include <ATen/ops/scaled_dot_product_attention.h>

#include <cmath>
#include <optional>

namespace rolewise::detail {

/// `[L, L]` bool: true where the column is later than the row.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor later_tokens(std::int64_t length, torch::Device device)
{
  return at::ones({length, length}, torch::TensorOptions{}.dtype(torch::kBool).device(device))
      .triu(1);
}

ROLEWISE_INLINE attention_mask mask_of(const torch::Tensor& tokens, bool is_causal,
                                       torch::ScalarType type)
{
  if (!tokens.defined()) return {{}, is_causal};
  auto hidden = tokens.logical_not().unsqueeze(1).unsqueeze(1);  // [N, 1, 1, L]
  if (is_causal) hidden = hidden.logical_or(later_tokens(tokens.size(1), tokens.device()));
  return {hidden.to(type).mul_(-1e9), is_causal};
}

ROLEWISE_INLINE torch::Tensor attended(const torch::Tensor& q, const torch::Tensor& k,
                                       const torch::Tensor& v, const attention_mask& mask)
{
  if (!mask.added.defined())
    return at::scaled_dot_product_attention(q, k, v, std::nullopt, 0.0, mask.is_causal);
  return at::scaled_dot_product_attention(q, k, v, mask.added);
}

ROLEWISE_INLINE torch::Tensor attention_probabilities(const torch::Tensor& q,
                                                      const torch::Tensor& k,
                                                      const attention_mask& mask)
{
  auto scores =
      q.matmul(k.transpose(-2, -1)).mul_(1.0 / std::sqrt(static_cast<double>(q.size(-1))));
  if (mask.added.defined())
    scores = scores + mask.added;
  else if (mask.is_causal)
    scores = scores.masked_fill(later_tokens(q.size(-2), q.device()), -1e9);
  return scores.softmax(-1);
}

}  // namespace rolewise::detail
