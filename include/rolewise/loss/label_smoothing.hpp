// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Label smoothing regularization, in both published forms.

#include <rolewise/core/fraction.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

/// The classes that label smoothing divides its share e among, of C classes.
enum class smoothed_over {
  all_classes,   ///< e / C each: the label keeps 1 - e + e / C
  other_classes  ///< e / (C - 1) each: the label keeps 1 - e
};

/// Cross entropy against smoothed labels, without a teacher.
///
///     all_classes:    y = (1 - e) * onehot(label) + e / C
///     other_classes:  y = 1 - e at the label, e / (C - 1) elsewhere
///     loss = -mean_n sum_c y[n,c] * log softmax(student)[n,c]
///
/// The second form is the first with e * C / (C - 1). Soft labels, ignored labels, weights, units
/// and gradients are those of `cross_entropy`, which computes it.
///
/// @par Source
/// `all_classes`: Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: Rethinking the Inception Architecture
/// for Computer Vision, 2015, arXiv:1512.00567, section 7, with e = 0.1. `other_classes`: the
/// released code (yuanli2333/Teacher-free-Knowledge-Distillation, my_loss_function.py) of Yuan,
/// Tay, Li, Wang, Feng: Revisiting Knowledge Distillation via Label Smoothing Regularization, 2019,
/// arXiv:1909.11723.
struct label_smoothing {
  static constexpr std::string_view name = "label-smoothing";
  static constexpr bool reads_teacher = false;
  static constexpr bool has_state = false;
  static constexpr bool wants_class_labels = true;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  fraction smoothing{0.1};
  smoothed_over over = smoothed_over::all_classes;

  /// @return `[]`, in the dtype and on the device of the logits
  /// @throws std::invalid_argument as `cross_entropy`, and under `other_classes` for one class or
  ///         a smoothing above (C - 1) / C, by which the label would be the least probable class
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(SupervisedLoss<label_smoothing>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/label_smoothing.hpp>
#endif
