// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Sums of two gradients, the second with a norm that follows the first.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

namespace rolewise::detail {

enum class norm_rule {
  at_most,  ///< a longer gradient is shortened
  equal,    ///< a shorter one is lengthened, too
};

/// The task gradient plus the distillation gradient with a norm of `share` times the task's. 16-bit
/// gradients are added in single precision. Does not synchronize with the device.
/// @return a new tensor, with the shape and dtype of the gradients; undefined if both are
[[nodiscard]] ROLEWISE_INLINE torch::Tensor sum_with_norm(
    const torch::Tensor& task_gradient, const torch::Tensor& distillation_gradient, double share,
    norm_rule rule);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/gradient_norms.hpp>
#endif
