// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/targets.hpp>.

#include <rolewise/loss/targets.hpp>

namespace rolewise {

ROLEWISE_INLINE targets targets_of(const batch& examples, const training_progress& progress)
{
  auto weights = examples.weights;
  const auto& labels = examples.labels;
  const auto& mask = examples.mask;
  if (mask.defined() && labels.defined() &&
      labels.dim() == mask.dim() + (labels.is_floating_point() ? 1 : 0)) {
    const auto counted = mask.to(labels.is_floating_point() ? labels.scalar_type() : torch::kFloat);
    if (!weights.defined())
      weights = counted;
    else
      weights = counted * (weights.dim() == 1 ? weights.unsqueeze(1) : weights);
  }
  return {labels, examples.ids, progress, weights, examples.ignore_index};
}

}  // namespace rolewise
