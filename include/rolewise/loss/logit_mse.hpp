// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Mean squared distances of logits: to the teacher's, and to labels.

#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

/// Mean squared distance of the logits of student and teacher.
///
///     loss = mean_n mean_c (student[n,c] - teacher[n,c])^2
///
/// Unlike a divergence it compares the constant that logits are defined up to, too.
///
/// @par Gradients
/// To the student's logits, 2 (student - teacher) / (N C); none to the teacher's.
/// @par Source
/// Ba, Caruana: Do Deep Nets Really Need to be Deep?, 2013, arXiv:1312.6184, section 2.2.
/// @par Departs
/// The paper halves the squared distance and does not divide by the number of classes.
struct logit_mse {
  static constexpr std::string_view name = "logit-mse";
  static constexpr bool has_state = false;
  static constexpr rolewise::invariances invariances{.example_order = true};

  /// For 16-bit logits, computed in single precision. Pixels, tokens and weights count as in
  /// `soft_target_kl`.
  /// @return `[]`, in the dtype and on the device of the student's logits
  /// @throws std::invalid_argument as `soft_target_kl`
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(DistillationLoss<logit_mse>);

/// Mean squared distance of the student's logits to labels: 1 for the class of a hard label, 0 for
/// the others; or to a soft label.
///
///     loss = mean_n mean_c (student[n,c] - label[n,c])^2
///
/// @par Gradients
/// To the student's logits, 2 (student - label) / (N C).
struct label_mse {
  static constexpr std::string_view name = "label-mse";
  static constexpr bool has_state = false;
  static constexpr bool reads_teacher = false;
  static constexpr bool wants_class_labels = true;
  static constexpr rolewise::invariances invariances{.teacher_shift = true, .example_order = true};

  /// For 16-bit logits, computed in single precision. Pixels, tokens, weights and ignored labels
  /// count as in `cross_entropy`.
  /// @return `[]`, in the dtype and on the device of the student's logits
  /// @throws std::invalid_argument as `cross_entropy`
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(SupervisedLoss<label_mse>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/logit_mse.hpp>
#endif
