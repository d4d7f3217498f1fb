// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/embedding.hpp>.

#include <rolewise/network/embedding.hpp>

#include <ATen/ops/embedding.h>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor embedding::operator()(const torch::Tensor& indices) const
{
  return at::embedding(weight_, indices);
}

ROLEWISE_INLINE void embedding::cast(torch::ScalarType type)
{
  if (c10::isReducedFloatingType(type)) type = torch::kFloat;
  weight_ = weight_.detach().to(type).set_requires_grad(weight_.requires_grad());
}

}  // namespace rolewise
