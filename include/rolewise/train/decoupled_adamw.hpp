// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The AdamW optimizer with a weight decay that the learning rate does not scale.

#include <rolewise/support/inline.hpp>
#include <rolewise/train/adamw.hpp>
#include <rolewise/train/detail/gradient_averages.hpp>
#include <rolewise/train/optimizer.hpp>

#include <vector>

namespace rolewise {

namespace detail {

/// The settings of `adamw` whose product of learning rate and decay is the decay alone.
/// @throws std::invalid_argument for a setting out of its range, or decay without a learning rate
[[nodiscard]] ROLEWISE_INLINE adamw decay_outside_of_rate(adamw settings);

}  // namespace detail

/// AdamW whose weight decay follows the schedule and not the learning rate:
///
///     w <- w - schedule * (learning_rate * direction + weight_decay * w)
///
/// with the direction of `adamw`, whose product learning_rate * weight_decay is 1 / learning_rate
/// times weaker for the same number: 33 times at 0.03. So a search over learning rates does not
/// change the decay. Usual with it: learning rates of 3e-4 to 0.03, decays of 1e-5 to 1e-3.
///
/// @par Source
/// Loshchilov, Hutter: Decoupled Weight Decay Regularization, ICLR 2019, arXiv 1711.05101,
/// algorithm 2; google-research/big_vision, 0127fb6.
struct decoupled_adamw {
  double learning_rate = 1e-3;  ///< before the schedule, finite; above 0 where there is decay
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-4;  ///< the share of a weight that a step takes where the schedule is 1
  decay decays = decay::weights_only;

  /// @throws std::invalid_argument for a setting out of its range
  [[nodiscard]] auto start(const std::vector<named_tensor>& parameters) const
  {
    const auto scaled =
        detail::decay_outside_of_rate({learning_rate, beta1, beta2, epsilon, weight_decay, decays});
    return detail::gradient_averages<adamw, detail::fused_adamw>{scaled, parameters};
  }
};

static_assert(Optimizer<decoupled_adamw>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/decoupled_adamw.hpp>
#endif
