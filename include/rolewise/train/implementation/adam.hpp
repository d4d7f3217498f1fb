// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/adam.hpp>.

#include <rolewise/train/adam.hpp>

#include <ATen/ops/_fused_adam.h>

namespace rolewise::detail {

ROLEWISE_INLINE void fused_adam(const std::vector<torch::Tensor>& values,
                                const std::vector<torch::Tensor>& gradients,
                                const std::vector<torch::Tensor>& first,
                                const std::vector<torch::Tensor>& second,
                                const std::vector<torch::Tensor>& steps, double learning_rate,
                                double beta1, double beta2, double weight_decay, double epsilon)
{
  at::_fused_adam_(values, gradients, first, second, {}, steps, learning_rate, beta1, beta2,
                   weight_decay, epsilon, false, false);
  count_change(values);
}

}  // namespace rolewise::detail
