// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The original distillation loss: Kullback-Leibler divergence between soft targets.

#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

/// Reduction of a divergence over N examples (or all their pixels or tokens) and C classes.
enum class kl_reduction {
  batch_mean,   ///< sum over classes, mean over examples: the divergence itself
  element_mean  ///< mean over both, C times smaller
};

/// KL(teacher || student) between class distributions softened by one temperature T.
///
///     p = softmax(teacher / T),  q = softmax(student / T)
///     loss = T^2 * mean_n sum_c p[n,c] * (log p[n,c] - log q[n,c])
///
/// T^2 compensates for the 1/T^2 in the gradient, so that a loss weight tuned at one temperature
/// carries over to another. The two conventions in which published code differs are members: the
/// reduction, and whether T^2 is applied. Where pixels or tokens have logits of their own, the
/// mean is over all of them; with weights (`targets.weights`) it is `sum(w * l) / sum(w)`, 0 if
/// nothing has a weight.
///
/// @par Units
/// Nats per example (per example and class under `element_mean`), times T^2 if it is applied.
/// @par Gradients
/// To the student's logits, T * (q - p) / N with both defaults; none to the teacher's.
/// @par Source
/// Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015, arXiv:1503.02531,
/// section 2.
struct soft_target_kl {
  static constexpr std::string_view name = "soft-target-kl";
  static constexpr bool has_state = false;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  rolewise::temperature temperature{4.0};
  kl_reduction reduction = kl_reduction::batch_mean;
  bool scale_by_t_squared = true;

  /// For 16-bit logits, softmax and sums are computed in single precision.
  /// @return `[]`, in the dtype and on the device of the logits
  /// @throws std::invalid_argument unless both logits are `[N, C]` or `[N, C, ...]`, no size 0,
  ///         floating point, and alike in shape, dtype and device, and weights, if any, `[N]` or
  ///         the logits' shape without axis 1
  /// @pre Every logit is finite. Unchecked, as a check would synchronize with the device; an
  ///      infinite logit makes the result infinite or NaN.
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
  /// The same without weights.
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair) const
  {
    return (*this)(pair, targets{});
  }
};

static_assert(DistillationLoss<soft_target_kl>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/soft_target_kl.hpp>
#endif
