// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Teacher-free knowledge distillation: a hand-designed distribution in the place of a teacher.

#include <rolewise/core/fraction.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

/// Tf-KD_reg: KL divergence from a virtual teacher that is right with a fixed probability a.
///
///     p[n,c] = a where c is the label, (1 - a) / (C - 1) elsewhere
///     t = softmax(p / T),  q = softmax(student)
///     loss = mean_{n,c} t[n,c] * (log t[n,c] - log q[n,c])
///
/// The softmax is taken of the probabilities themselves, not of their logarithms, so t is close to
/// uniform at any usual T. The student is not softened, and there is no factor T^2. A soft label y
/// gives p = (1 - a) / (C - 1) + (a - (1 - a) / (C - 1)) * y. The paper's total is, with its
/// factor m,
///
///     (1 - alpha) * cross_entropy{} + alpha * m * teacher_free_kd{.temperature = temperature{T}}
///
/// with alpha, T, m of 0.1, 20, 100 for ResNet-18 on CIFAR-100, 0.95, 40, 1 for MobileNetV2,
/// 0.95, 10, 1 for ShuffleNetV2, 0.1, 40, 50 for GoogLeNet.
///
/// The paper's other form, Tf-KD_self, is distillation from a trained copy of the student:
/// `soft_target_kl{.temperature = ..., .reduction = kl_reduction::element_mean}` with
/// `frozen(student)` as the teacher.
///
/// @par Units
/// Nats per example and class (per example under `batch_mean`).
/// @par Gradients
/// To the student's logits: (q - t) / (N * C), or / N.
/// @par Source
/// Yuan, Tay, Li, Wang, Feng: Revisiting Knowledge Distillation via Label Smoothing Regularization,
/// 2019, arXiv:1909.11723, section on Tf-KD by manually designed regularization; a, the softmax of
/// probabilities, the mean over classes and m as in the released code
/// (yuanli2333/Teacher-free-Knowledge-Distillation, my_loss_function.py).
struct teacher_free_kd {
  static constexpr std::string_view name = "teacher-free-kd";
  static constexpr bool reads_teacher = false;
  static constexpr bool has_state = false;
  static constexpr bool wants_class_labels = true;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  fraction correct_probability{0.99};
  rolewise::temperature temperature{20.0};
  kl_reduction reduction = kl_reduction::element_mean;

  /// For 16-bit logits, computed in single precision. Pixels, tokens, weights and ignored labels
  /// count as in `cross_entropy`.
  /// @return `[]`, in the dtype and on the device of the logits
  /// @throws std::invalid_argument as `cross_entropy`, and for one class
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(SupervisedLoss<teacher_free_kd>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/teacher_free_kd.hpp>
#endif
