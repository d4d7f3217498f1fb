// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The task loss: cross entropy with hard or soft labels.

#include <rolewise/core/fraction.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

/// Mean negative log-likelihood of the labels under softmax(student), C classes.
///
///     y = onehot(label), or the soft label
///     loss = -mean_n sum_c ((1 - e) * y[n,c] + e / C) * log softmax(student)[n,c]
///
/// with e the label smoothing; 0 is none, 0.1 is usual. The mean is over the examples, or over all
/// their pixels or tokens where these have labels. Hard labels `targets.ignore_index` are left
/// out; with weights it is `sum(w * l) / sum(w)`. If nothing counts, loss and gradient are 0.
///
/// @par Units
/// Nats per label.
/// @par Gradients
/// To the student's logits, and to soft labels that require one. The teacher's outputs are never
/// read.
/// @par Source
/// Smoothing: Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: Rethinking the Inception Architecture for
/// Computer Vision, 2015, arXiv:1512.00567, section 7.
struct cross_entropy {
  static constexpr std::string_view name = "cross-entropy";
  static constexpr bool reads_teacher = false;
  static constexpr bool has_state = false;
  static constexpr bool wants_class_labels = true;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  fraction smoothing{0.0};

  /// For 16-bit logits, softmax and sums are computed in single precision; soft labels are cast
  /// to the dtype of the computation.
  /// @return `[]`, in the dtype and on the device of the logits
  /// @throws std::invalid_argument unless the logits are `[N, C]` or `[N, C, ...]`, no size 0,
  ///         floating point; the labels, on their device, hard (int64, the logits' shape without
  ///         axis 1) or soft (floating point, the logits' shape); weights `[N]` or of the hard
  ///         labels' shape; and, on the CPU, for a hard label outside 0 .. C - 1
  /// @pre Soft labels sum to 1 over the classes, unchecked. On devices other than the CPU hard
  ///      labels are in range, unchecked: a check would synchronize with the device, whose own
  ///      kernels trap.
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(SupervisedLoss<cross_entropy>);

/// What each example adds to `cross_entropy` without smoothing: their mean is that loss, also with
/// weights and with labels that do not count.
/// @param logits `[N, C]`
/// @return `[N]`, at least in single precision
/// @par Gradients
/// As of `cross_entropy`.
/// @throws std::invalid_argument as `cross_entropy`, and for logits of pixels or tokens
[[nodiscard]] ROLEWISE_INLINE torch::Tensor cross_entropies(const torch::Tensor& logits,
                                                            const targets& targets);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/cross_entropy.hpp>
#endif
