// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The Adam optimizer, with weight decay added to the gradient.

#include <rolewise/support/inline.hpp>
#include <rolewise/train/detail/gradient_averages.hpp>
#include <rolewise/train/optimizer.hpp>

#include <vector>

namespace rolewise {

namespace detail {

ROLEWISE_INLINE void fused_adam(const std::vector<torch::Tensor>& values,
                                const std::vector<torch::Tensor>& gradients,
                                const std::vector<torch::Tensor>& first,
                                const std::vector<torch::Tensor>& second,
                                const std::vector<torch::Tensor>& steps, double learning_rate,
                                double beta1, double beta2, double weight_decay, double epsilon);

}  // namespace detail

/// The Adam optimizer, by LibTorch's fused kernel; t counts the updates of a parameter from 1.
///
///     g <- g + weight_decay * w
///     m <- beta1 * m + (1 - beta1) * g          (m and v start at 0)
///     v <- beta2 * v + (1 - beta2) * g^2
///     w <- w - learning_rate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
///
/// @par Source
/// Kingma, Ba: Adam: A Method for Stochastic Optimization, ICLR 2015, arXiv 1412.6980, algorithm 1.
struct adam {
  double learning_rate = 1e-3;  ///< learning rate before the schedule, at least 0, finite
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
  decay decays = decay::everything;

  /// @throws std::invalid_argument for a setting out of its range
  [[nodiscard]] auto start(const std::vector<named_tensor>& parameters) const
  {
    detail::require_sound_averages("adam", *this);
    return detail::gradient_averages<adam, detail::fused_adam>{*this, parameters};
  }
};

static_assert(Optimizer<adam>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/adam.hpp>
#endif
