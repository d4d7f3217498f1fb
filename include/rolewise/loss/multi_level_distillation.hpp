// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Multi-level logit distillation: examples, batch and classes, at several temperatures.

#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>
#include <vector>

namespace rolewise {

/// MLLD: three levels of alignment, each summed over several temperatures ("prediction
/// augmentation").
///
///     P = softmax(teacher / T),  Q = softmax(student / T),  matrices [N, C]
///     instance = T^2 * mean_n KL(P[n,:] || Q[n,:])
///     batch = |P P' - Q Q'|^2 / N        relations of examples, [N, N]
///     class = |P' P - Q' Q|^2 / C        relations of classes, [C, C]
///     loss = sum_T (instance + batch + class)
///
/// with P' the transpose and squared Frobenius norms. Pixels and tokens are rows of the matrices;
/// the relations of N of them take N^2 numbers. Usual: weight 0.9 beside `cross_entropy` with
/// weight 0.1, for 100 classes. For equal probabilities, the terms that are compared add up to
/// N/C^2 (batch) and N^2/C^3 (class): with few classes the class term outweighs all others, and a
/// student does not train. `batch_weight` (C/100)^2 and `class_weight` (C/100)^3 restore the
/// balance.
///
/// @par Units
/// Nats per example (instance), products of probabilities (batch, class).
/// @par Gradients
/// To the student's logits; none to the teacher's.
/// @par Source
/// Jin, Wang, Lin: Multi-Level Logit Distillation, CVPR 2023, section 3; temperatures, T^2 and
/// divisors as in the released code (Jin-Ying/Multi-Level-Logit-Distillation,
/// distillers/KD_ours.py).
/// @par Departs
/// One view of the examples: the paper adds a weakly and a strongly augmented one, which is a sum
/// over two forward passes of a step of one's own. The code's masks of low confidence are left out:
/// they multiply values that are means already, by about a half.
struct multi_level_distillation {
  static constexpr std::string_view name = "multi-level-distillation";
  static constexpr bool has_state = false;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  std::vector<temperature> temperatures{temperature{2.0}, temperature{3.0}, temperature{4.0},
                                        temperature{5.0}, temperature{6.0}};
  double instance_weight = 1.0, batch_weight = 1.0, class_weight = 1.0;  ///< at least 0

  /// For 16-bit logits, computed in single precision. With weights, sums over elements are
  /// weighted; elements of weight 0 are left out.
  /// @return `[]`, in the dtype and on the device of the logits
  /// @throws std::invalid_argument as `soft_target_kl`, for one class, for a negative weight, and
  /// without temperatures
  /// @pre Every logit is finite, unchecked.
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(DistillationLoss<multi_level_distillation>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/multi_level_distillation.hpp>
#endif
