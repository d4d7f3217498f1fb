// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/ascent_space.hpp>.

#include <rolewise/train/ascent_space.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/ones_like.h>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor embedding_space::movable(const batch& examples) const
{
  const auto& tokens = examples.inputs;
  auto moves = examples.mask.defined()
                   ? examples.mask
                   : at::ones_like(tokens, tokens.options().dtype(torch::kBool));
  for (const auto token : special_tokens) moves = moves.logical_and(tokens.ne(token));
  return moves.unsqueeze(2);
}

ROLEWISE_INLINE batch embedding_space::for_teacher(batch examples,
                                                   const torch::Tensor& points) const
{
  if (!map->defined())
    throw_invalid_argument("embedding_space", "want begin(student, teacher) first, which makes ",
                           "the map of embeddings");
  examples.inputs = points.to(map->scalar_type()).matmul(*map);
  return examples;
}

}  // namespace rolewise
