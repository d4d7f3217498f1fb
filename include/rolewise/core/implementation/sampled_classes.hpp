// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/sampled_classes.hpp>.

#include <rolewise/core/sampled_classes.hpp>

#include <rolewise/core/draws.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor sampled_classes(const torch::Tensor& logits, seed key,
                                              std::int64_t epoch, const torch::Tensor& ids)
{
  if (!logits.defined() || logits.dim() != 2 || logits.size(1) < 1 || !logits.is_floating_point())
    throw_invalid_argument("sampled_classes", "want logits [N, C] of floating point");
  if (!ids.defined() || ids.dim() != 1 || ids.size(0) != logits.size(0))
    throw_invalid_argument("sampled_classes", "want an id for each of ", logits.size(0),
                           " examples");
  const torch::NoGradGuard without_graph;
  // The first class up to which there is more probability than the draw.
  const auto type = logits.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
  const auto up_to = logits.softmax(1, type).cumsum(1);
  const auto drawn = uniform_draws(key, epoch, ids, 1).to(logits.device(), type);
  return (up_to <= drawn).sum(1).clamp_max(logits.size(1) - 1);
}

}  // namespace rolewise
