// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// In-place addition of quantized tensors, with gradients.

#include <rolewise/core/tensor.hpp>
#include <rolewise/network/detail/scratch.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/support/inline.hpp>

#include <utility>

namespace rolewise {

/// Returns y + x, computed in place in y.
[[nodiscard]] inline torch::Tensor add_to(torch::Tensor y, const torch::Tensor& x)
{
  return y.add_(x);
}
[[nodiscard]] ROLEWISE_INLINE torch::Tensor add_to(torch::Tensor y, const quantized& x);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/added_values.hpp>
#endif
