// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Normalized knowledge distillation: soft cross entropy of target and of the other classes.

#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

/// NKD: the teacher's confidence weighs the label, and its other classes are matched among
/// themselves.
///
///     p, q = softmax(teacher), softmax(student), at temperature 1;  y the label
///     p', q' = softmax(teacher / T), softmax(student / T), both without y
///     loss = mean_n (-p_y * log q_y - gamma * T^2 * sum_{c != y} p'_c * log q'_c)
///
/// Both parts are cross entropies, so the value for equal logits is not 0; the first is lowest
/// where q_y is 1. Added to `cross_entropy` with weight 1.
///
/// @par Units
/// Nats per example.
/// @par Gradients
/// To the student's logits; none to the teacher's.
/// @par Source
/// Yang, Zeng, Li, Zhang, Yuan, Li: From Knowledge Distillation to Self-Knowledge Distillation: A
/// Unified Approach with Normalized Loss and Customized Soft Labels, 2023, arXiv:2303.13005,
/// section 3; gamma = 1.5, T = 1 on ImageNet, and T^2, as in the released code (yzd-v/cls_KD,
/// nkd.py), which on CIFAR-100 (ResNet-34 to 18) has gamma = 3.5, T = 3.
/// @par Departs
/// Releases of that code differ: in one of them (1c2c0ff) the mask of the other classes keeps the
/// label. Here it is left out, as in the paper and the other releases.
struct normalized_kd {
  static constexpr std::string_view name = "normalized-kd";
  static constexpr bool has_state = false;
  static constexpr bool wants_class_labels = true;
  static constexpr bool minimum_at_teacher = false;  // the label is to be surer than the teacher's
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  rolewise::temperature temperature{1.0};  ///< of the other classes
  double other_weight = 1.5;               ///< gamma, at least 0

  /// For 16-bit logits, computed in single precision. Pixels, tokens, weights and ignored labels
  /// count as in `cross_entropy`; of a soft label, the target is the most probable class.
  /// @return `[]`, in the dtype and on the device of the logits
  /// @throws std::invalid_argument as `soft_target_kl` for logits and as `cross_entropy` for
  ///         labels, for one class, and for a negative weight
  /// @pre Every logit is finite, unchecked.
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(DistillationLoss<normalized_kd>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/normalized_kd.hpp>
#endif
