// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Distillation on mixed examples from a teacher whose order of classes is corrected.

#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

/// The nearest probabilities, in squared distance, in which the class of the larger share of a
/// mixed example is at least as probable as that of the smaller share, and this one at least as any
/// other: isotonic regression on a tree. The sum is preserved. Where both classes are the same, the
/// only condition is that no other class is more probable.
///
/// The classes that violate the order get their common mean:
///
///     bin = {smaller}, and other classes in falling order while they are above the mean of the
///     bin; if the mean is above p[larger]: larger too, and further classes while they are above
///     the mean
///
/// @param p `[N, C]` or `[N, C, ...]`, floating point, of any scale
/// @param larger class of the larger share, int64, the shape of `p` with size 1 at axis 1
/// @param smaller that of the smaller share, alike
/// @return the shape and dtype of `p`, without a graph. O(C log C) for each example
/// @throws std::invalid_argument for other shapes or dtypes
/// @par Source
/// Cui, Yan: Isotonic Data Augmentation for Knowledge Distillation, IJCAI 2021, arXiv:2107.01412;
/// code cuijuntao/IDA as described there.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor isotonic_probabilities(const torch::Tensor& p,
                                                                   const torch::Tensor& larger,
                                                                   const torch::Tensor& smaller);

/// KL(corrected teacher || student) on mixed examples (KD-i): the teacher's softened distribution
/// is replaced by `isotonic_probabilities` of it, because teachers often rank a third class first
/// on mixed images.
///
///     p = isotonic(softmax(teacher / T)),  q = softmax(student / T)
///     loss = T^2 * mean_n sum_c p[n,c] * (log p[n,c] - log q[n,c])
///
/// The classes of the mix are the two of largest weight in a soft label, as `mixup` and `cutmix`
/// make them; a hard label, or a soft one with one class, has no second. The paper's total is
/// `(1 - alpha) * cross_entropy{} + alpha * isotonic_kl{temperature{4.5}}`, alpha .95.
///
/// @par Units
/// Nats per example, times T^2.
/// @par Gradients
/// To the student's logits, T * (q - p) / N; none to the teacher's.
/// @par Source
/// As `isotonic_probabilities`.
/// @par Departs
/// The published code regresses logits, takes the logarithm of a softmax of the result, adds this
/// term to the uncorrected one, and forces an arbitrary class to rank two where both images have
/// one class; here the corrected probabilities are the target, in its place.
struct isotonic_kl {
  static constexpr std::string_view name = "isotonic-kl";
  static constexpr bool has_state = false;
  static constexpr bool wants_class_labels = true;
  static constexpr bool minimum_at_teacher = false;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  rolewise::temperature temperature{4.5};

  /// Pixels, tokens, weights and ignored labels count as in `cross_entropy`.
  /// @return `[]`, in the dtype and on the device of the logits
  /// @throws std::invalid_argument as `cross_entropy` and `soft_target_kl`
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(DistillationLoss<isotonic_kl>);

/// Penalty on a student that ranks the classes of a mixed example wrongly, without a teacher: the
/// relaxed form of `isotonic_kl` (KD-p), linear in the number of classes.
///
///     q = softmax(student),  c1, c2 the classes of the larger and the smaller share
///     loss = mean_n max(0, max_{k not in mix} q[k] - min_{k in mix} q[k])
///          + mean_n max(0, q[c2] - q[c1])
///
/// The classes are found as in `isotonic_kl`; where there is one, the second term is 0. The paper's
/// total: `(1 - alpha) * cross_entropy{} + alpha * soft_target_kl{temperature{4.5}} +
/// 2.0 * mixed_order{}`.
///
/// @par Units
/// A difference of probabilities, at most 2.
/// @par Gradients
/// To at most four logits' probabilities of each example, through the softmax.
/// @par Source
/// As `isotonic_probabilities`.
struct mixed_order {
  static constexpr std::string_view name = "mixed-order";
  static constexpr bool reads_teacher = false;
  static constexpr bool has_state = false;
  static constexpr bool wants_class_labels = true;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  /// @return `[]`, in the dtype and on the device of the logits
  /// @throws std::invalid_argument as `cross_entropy`
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(SupervisedLoss<mixed_order>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/isotonic_kl.hpp>
#endif
