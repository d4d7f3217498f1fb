// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/layer_norm.hpp>.

#include <rolewise/network/layer_norm.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/layer_norm.h>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor layer_norm::operator()(const torch::Tensor& x) const
{
  if (x.dim() == 0 || x.size(-1) != weight_.size(0))
    throw_invalid_argument("layer_norm", "want vectors of ", weight_.size(0), " values, got ",
                           x.sizes());
  return at::layer_norm(x, weight_.sizes(), weight_, bias_, epsilon_);
}

ROLEWISE_INLINE void layer_norm::cast(torch::ScalarType type)
{
  if (c10::isReducedFloatingType(type)) type = torch::kFloat;
  for (auto* t : {&weight_, &bias_})
    *t = t->detach().to(type).set_requires_grad(t->requires_grad());
}

}  // namespace rolewise
