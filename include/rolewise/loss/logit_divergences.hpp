// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Divergences of logits with gradients to both networks: for teachers that learn, and for what
/// looks for inputs on which both differ.

#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

/// Squared distance of the logits of student and teacher, with gradients to both.
///
///     loss = mean_n sum_c (student[n,c] - teacher[n,c])^2
///
/// C times `logit_mse`, which takes the teacher's logits for constants.
///
/// @par Gradients
/// 2 (student - teacher) / N to the student's logits, the opposite to the teacher's.
struct squared_logit_distance {
  static constexpr std::string_view name = "squared-logit-distance";
  static constexpr bool has_state = false;
  static constexpr bool reaches_teacher = true;
  static constexpr rolewise::invariances invariances{.example_order = true};

  /// For 16-bit logits, computed in single precision. Pixels, tokens and weights count as in
  /// `soft_target_kl`.
  /// @return `[]`, in the dtype and on the device of the student's logits
  /// @throws std::invalid_argument as `soft_target_kl`
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

/// KL(teacher || student) at one temperature, with gradients to both: the value of
/// `soft_target_kl`, which takes the teacher's logits for constants. The loss of systems whose
/// teacher learns from what its soft targets do to the student, such as `systems::ikd`.
///
///     p = softmax(teacher / T),  q = softmax(student / T)
///     loss = T^2 * mean_n sum_c p[n,c] * (log p[n,c] - log q[n,c])
///
/// Where the teacher's logits have no graph, `soft_target_kl` computes it.
///
/// @par Gradients
/// T (q - p) / N to the student's logits; T p (log p - log q - KL) / N to the teacher's. The
/// gradient to the student can be differentiated with respect to both.
struct two_sided_kl {
  static constexpr std::string_view name = "two-sided-kl";
  static constexpr bool has_state = false;
  static constexpr bool reaches_teacher = true;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  rolewise::temperature temperature{4.0};

  /// As `squared_logit_distance`.
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(DistillationLoss<squared_logit_distance> && DistillationLoss<two_sided_kl>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/logit_divergences.hpp>
#endif
