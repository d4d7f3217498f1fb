// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Decoupled knowledge distillation: target class and other classes, weighted apart.

#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise {

/// DKD: the KL divergence of soft targets in two parts, with a weight each.
///
///     p = softmax(teacher / T),  q = softmax(student / T),  y the label
///     TCKD = KL((p_y, 1 - p_y) || (q_y, 1 - q_y))
///     NCKD = KL(p' || q'),  p' and q' being p and q without y, normalized again
///     loss = T^2 * mean_n (alpha * TCKD + beta * NCKD)
///
/// TCKD + (1 - p_y) * NCKD is `soft_target_kl`, which so gives the other classes the less weight
/// the surer the teacher is. NCKD does not depend on the student's logit of the label.
///
/// Usual: T = 4, alpha = 1, `cross_entropy` with weight 1, on CIFAR-100 with `warm_up_epochs` 20
/// and beta from 1 to 8 (ResNet-56 to 20: 2; ResNet32x4 to 8x4: 8; WRN-40-2 to 16-2: 6; VGG: 6).
///
/// @par Units
/// Nats per example, times T^2.
/// @par Gradients
/// To the student's logits; none to the teacher's.
/// @par Source
/// Zhao, Cui, Song, Qiu, Liang: Decoupled Knowledge Distillation, 2022, arXiv:2203.08679, section
/// 3; T^2, warm-up and values as in the released code (megvii-research/mdistiller,
/// distillers/DKD.py).
/// @par Departs
/// Computed in the logarithm throughout: the code subtracts 1000 from the target's logit and takes
/// the logarithm of probabilities, which fails for logits far apart. Of a soft label, the target is
/// the most probable class; the paper has hard labels alone.
struct decoupled_kd {
  static constexpr std::string_view name = "decoupled-kd";
  static constexpr bool has_state = false;
  static constexpr bool wants_class_labels = true;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  rolewise::temperature temperature{4.0};
  double target_weight = 1.0;       ///< alpha, at least 0
  double other_weight = 8.0;        ///< beta, at least 0
  std::int64_t warm_up_epochs = 0;  ///< above 0: the loss times min(epoch / warm_up_epochs, 1)

  /// For 16-bit logits, computed in single precision. Pixels, tokens, weights and ignored labels
  /// count as in `cross_entropy`.
  /// @return `[]`, in the dtype and on the device of the logits
  /// @throws std::invalid_argument as `soft_target_kl` for logits and as `cross_entropy` for
  ///         labels, for one class, and for a negative weight
  /// @pre Every logit is finite, unchecked.
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(DistillationLoss<decoupled_kd>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/decoupled_kd.hpp>
#endif
