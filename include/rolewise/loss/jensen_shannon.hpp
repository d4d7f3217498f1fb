// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Jensen-Shannon divergence between soft targets, symmetric or skewed.

#include <rolewise/core/fraction.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

/// Divergence of teacher and student from their mixture, at one temperature T.
///
///     p = softmax(teacher / T),  q = softmax(student / T),  m = b * p + (1 - b) * q
///     loss = T^2 * mean_n (b * KL(p || m) + (1 - b) * KL(q || m))
///
/// Bounded by log 2 (times T^2), whatever the logits. b = 1/2 is the Jensen-Shannon divergence,
/// symmetric in teacher and student. Divided by b it tends to `soft_target_kl` as b tends to 0, and
/// divided by 1 - b to `reverse_kl` as b tends to 1.
///
/// @par Units
/// Nats per example, times T^2 if it is applied.
/// @par Gradients
/// To the student's logits; none to the teacher's.
/// @par Source
/// Lin: Divergence Measures Based on the Shannon Entropy, IEEE Transactions on Information Theory
/// 37 (1), 1991. With b: Agarwal, Vieillard, Zhou, Stanczyk, Ramos, Geist, Bachem: On-Policy
/// Distillation of Language Models: Learning from Self-Generated Mistakes, 2023, arXiv:2306.13649,
/// section 2. T and T^2 are those of `soft_target_kl`; both have T = 1.
struct jensen_shannon {
  static constexpr std::string_view name = "jensen-shannon";
  static constexpr bool has_state = false;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  rolewise::temperature temperature{1.0};
  fraction teacher_share{0.5};  ///< b, above 0 and below 1
  bool scale_by_t_squared = true;

  /// For 16-bit logits, computed in single precision. Pixels, tokens and weights count as in
  /// `soft_target_kl`.
  /// @return `[]`, in the dtype and on the device of the logits
  /// @throws std::invalid_argument as `soft_target_kl`, and for a share of 0 or 1
  /// @pre Every logit is finite, unchecked.
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(DistillationLoss<jensen_shannon>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/jensen_shannon.hpp>
#endif
