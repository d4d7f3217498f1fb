// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The AdamW optimizer: Adam with decoupled weight decay.

#include <rolewise/support/inline.hpp>
#include <rolewise/train/detail/gradient_averages.hpp>
#include <rolewise/train/optimizer.hpp>

#include <vector>

namespace rolewise {

namespace detail {

ROLEWISE_INLINE void fused_adamw(const std::vector<torch::Tensor>& values,
                                 const std::vector<torch::Tensor>& gradients,
                                 const std::vector<torch::Tensor>& first,
                                 const std::vector<torch::Tensor>& second,
                                 const std::vector<torch::Tensor>& steps, double learning_rate,
                                 double beta1, double beta2, double weight_decay, double epsilon);

}  // namespace detail

/// The AdamW optimizer, by LibTorch's fused kernel; t counts the updates of a parameter from 1.
///
///     w <- w - learning_rate * weight_decay * w
///     m <- beta1 * m + (1 - beta1) * g          (m and v start at 0)
///     v <- beta2 * v + (1 - beta2) * g^2
///     w <- w - learning_rate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
///
/// @par Source
/// Loshchilov, Hutter: Decoupled Weight Decay Regularization, ICLR 2019, arXiv 1711.05101,
/// algorithm 2.
/// @par Departs
/// The decay is scaled by the learning rate as well as by the schedule, as in `torch.optim.AdamW`,
/// so that published settings keep their meaning.
struct adamw {
  double learning_rate = 1e-3;  ///< learning rate before the schedule, at least 0, finite
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-2;
  decay decays = decay::everything;

  /// @throws std::invalid_argument for a setting out of its range
  [[nodiscard]] auto start(const std::vector<named_tensor>& parameters) const
  {
    detail::require_sound_averages("adamw", *this);
    return detail::gradient_averages<adamw, detail::fused_adamw>{*this, parameters};
  }
};

static_assert(Optimizer<adamw>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/adamw.hpp>
#endif
