// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/token_table.hpp>.

#include <rolewise/network/token_table.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/embedding.h>
#include <ATen/ops/linalg_pinv.h>

#include <string>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor embeddings_of(const batch& examples, const torch::Tensor& table)
{
  const auto& tokens = examples.inputs;
  if (!tokens.defined() || tokens.dim() != 2 || tokens.scalar_type() != torch::kLong)
    throw_invalid_argument("embeddings_of", "want token indices [N, L] of int64, got ",
                           tokens.defined()
                               ? detail::classic_text(tokens.sizes(), " of ", tokens.scalar_type())
                               : std::string{"an undefined tensor"});
  const auto& mask = examples.mask;
  return at::embedding(table, mask.defined() ? tokens.masked_fill(mask.logical_not(), 0) : tokens);
}

ROLEWISE_INLINE torch::Tensor embedding_map(const torch::Tensor& from, const torch::Tensor& to)
{
  const auto is_table = [](const torch::Tensor& t) {
    return t.defined() && t.dim() == 2 && t.is_floating_point();
  };
  if (!is_table(from) || !is_table(to))
    throw_invalid_argument("embedding_map", "want two tables [V, D] of floating point");
  if (from.size(0) != to.size(0))
    throw_invalid_argument("embedding_map", "want tables of the same tokens, got ", from.sizes(),
                           " and ", to.sizes());
  const torch::NoGradGuard without_graph;
  const auto a = from.detach().to(to.device()).to(torch::kDouble);
  const auto b = to.detach().to(torch::kDouble);
  if (!a.isfinite().all().item<bool>() || !b.isfinite().all().item<bool>())
    diverge("embedding_map", "a table of embeddings is not finite");
  return at::linalg_pinv(a).matmul(b).to(to.scalar_type());
}

}  // namespace rolewise
