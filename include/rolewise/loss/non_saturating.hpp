// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The non-saturating loss of an adversary: low where the labels are improbable.

#include <rolewise/core/fraction.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

/// The loss of what shall make a classifier wrong, in place of the negated cross entropy:
///
///     y = (1 - e) * onehot(label) + e / C, or the soft label likewise
///     loss = -mean_n sum_c y[n,c] * log(1 - q[n,c]),   q = softmax(student)
///
/// Maximizing the cross entropy has the slope 1 - q at the label's logit, which vanishes where the
/// classifier is sure of itself; this one has q. Labels, weights and means are those of
/// `cross_entropy`.
///
/// @par Units
/// Nats per label.
/// @par Gradients
/// To the student's logits: y q at a class, -y q_c q / (1 - q_c) at the others.
/// @par Source
/// Suzuki: TeachAugment: Data Augmentation Optimization Using Teacher Knowledge, 2022,
/// arXiv:2202.12513; the code of its author, 66ec099. The idea is that of the generators of
/// Goodfellow et al.: Generative Adversarial Networks, 2014, arXiv:1406.2661.
/// @par Departs
/// The code adds 1e-12 to 1 - q. Here 1 - q of the most probable class is the sum of the others, so
/// that the loss is finite without a constant and keeps its slope where q rounds to 1.
struct non_saturating {
  static constexpr std::string_view name = "non-saturating";
  static constexpr bool reads_teacher = false;
  static constexpr bool has_state = false;
  static constexpr bool wants_class_labels = true;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  fraction smoothing{0.0};

  /// For 16-bit logits, computed in single precision.
  /// @return `[]`, in the dtype and on the device of the logits
  /// @throws std::invalid_argument as `cross_entropy`, and for one class
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(SupervisedLoss<non_saturating>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/non_saturating.hpp>
#endif
