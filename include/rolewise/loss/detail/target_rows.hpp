// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Cross entropy and KL divergence of soft targets by kernels: one of them, or their weighted sum
/// in one pass over the logits.

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/support/inline.hpp>

#include <optional>
#include <string_view>
#include <type_traits>

namespace rolewise::detail {

/// A `cross_entropy` with a weight.
struct hard_targets {
  std::string_view name;  ///< in error messages
  double smoothing;
  double weight = 1.0;
};

template<typename CrossEntropy>
[[nodiscard]] hard_targets hard_targets_of(const CrossEntropy& loss, double weight = 1.0)
{
  return {loss.name, loss.smoothing.value(), weight};
}

/// A `soft_target_kl` with a weight.
struct soft_targets {
  std::string_view name;
  double temperature;
  double scale;       ///< T^2, or 1
  bool over_classes;  ///< the mean is over classes, too
  double weight = 1.0;
};

template<typename SoftTargetKl>
[[nodiscard]] soft_targets soft_targets_of(const SoftTargetKl& loss, double weight = 1.0)
{
  using reduction = std::remove_cvref_t<decltype(loss.reduction)>;
  const double t = loss.temperature.value();
  return {loss.name, t, loss.scale_by_t_squared ? t * t : 1.0,
          loss.reduction == reduction::element_mean, weight};
}

[[nodiscard]] ROLEWISE_INLINE torch::Tensor cross_entropy_value(const hard_targets& loss,
                                                                const torch::Tensor& logits,
                                                                const targets& targets);

[[nodiscard]] ROLEWISE_INLINE torch::Tensor soft_target_value(const soft_targets& loss,
                                                              const paired_outputs& pair,
                                                              const targets& targets);

/// A weighted sum of `cross_entropy` and `soft_target_kl`, and their values before the weights.
struct hard_and_soft {
  torch::Tensor total;       ///< `[]`, with its graph
  torch::Tensor hard, soft;  ///< `[]`, detached
};

/// @return nothing where kernels do not apply: on other devices, in double precision, with soft
///         labels, or where classes are not side by side in memory
/// @throws std::invalid_argument as both losses
[[nodiscard]] ROLEWISE_INLINE std::optional<hard_and_soft> hard_and_soft_value(
    const hard_targets& hard, const soft_targets& soft, const paired_outputs& pair,
    const targets& targets);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/target_rows.hpp>
#endif
