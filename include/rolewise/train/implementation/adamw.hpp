// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/adamw.hpp>.

#include <rolewise/train/adamw.hpp>

#include <ATen/ops/_fused_adamw.h>

namespace rolewise::detail {

ROLEWISE_INLINE void fused_adamw(const std::vector<torch::Tensor>& values,
                                 const std::vector<torch::Tensor>& gradients,
                                 const std::vector<torch::Tensor>& first,
                                 const std::vector<torch::Tensor>& second,
                                 const std::vector<torch::Tensor>& steps, double learning_rate,
                                 double beta1, double beta2, double weight_decay, double epsilon)
{
  at::_fused_adamw_(values, gradients, first, second, {}, steps, learning_rate, beta1, beta2,
                    weight_decay, epsilon, false, false);
  count_change(values);
}

}  // namespace rolewise::detail
