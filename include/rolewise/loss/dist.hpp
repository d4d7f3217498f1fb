// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// DIST: correlation of class probabilities, within examples and within classes.

#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

/// DIST: relations of predictions instead of their values, by Pearson's correlation r.
///
///     p = softmax(teacher / T),  q = softmax(student / T),  matrices [N, C]
///     inter = 1 - mean_n r(q[n,:], p[n,:])      of an example over the classes
///     intra = 1 - mean_c r(q[:,c], p[:,c])      of a class over the batch
///     loss = T^2 * (beta * inter + gamma * intra)
///     r(a, b) = sum a' b' / (|a'| * |b'| + 1e-8),  a' = a - mean(a)
///
/// Correlations ignore scale and shift of probabilities, so a student of another confidence than a
/// strong teacher's is not punished for it. Pixels and tokens are rows of the matrices. Usual:
/// total weight 2 beside `cross_entropy` with weight 1; T = 1 on ImageNet, 4 on CIFAR-100.
///
/// The constant 1e-8 matters where probabilities hardly vary: of 1000 classes in a small batch,
/// many classes count for less than their share in `intra`; a class without any variation has r =
/// 0. With one example, `intra` is 1 and has no gradient.
///
/// @par Units
/// None, times T^2; each term lies in [0, 2].
/// @par Gradients
/// To the student's logits; none to the teacher's.
/// @par Source
/// Huang, You, Wang, Qian, Xu: Knowledge Distillation from A Stronger Teacher, 2022,
/// arXiv:2205.10536, section 3; T^2 and 1e-8 as in the released code (hunto/DIST_KD,
/// hunto/image_classification_sota).
/// @par Departs
/// Where a student's probabilities are all equal up to rounding, as of a network whose last layer
/// is 0, r is 0 without a gradient; that of the code is up to 1e8 there.
struct dist {
  static constexpr std::string_view name = "dist";
  static constexpr bool has_state = false;
  static constexpr bool minimum_at_teacher = false;  // up to 1e-8: larger variation is lower
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  rolewise::temperature temperature{1.0};
  double inter_weight = 1.0;  ///< beta, at least 0
  double intra_weight = 1.0;  ///< gamma, at least 0
  bool scale_by_t_squared = true;

  /// For 16-bit logits, computed in single precision. With weights, means and correlations are
  /// weighted; elements of weight 0 are left out, and if nothing counts the loss is 0.
  /// @return `[]`, in the dtype and on the device of the logits
  /// @throws std::invalid_argument as `soft_target_kl`, for one class, and for a negative weight
  /// @pre Every logit is finite, unchecked.
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(DistillationLoss<dist>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/dist.hpp>
#endif
