// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Reverse Kullback-Leibler divergence: of the student from the teacher.

#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

/// KL(student || teacher) between class distributions softened by one temperature T.
///
///     p = softmax(teacher / T),  q = softmax(student / T)
///     loss = T^2 * mean_n sum_c q[n,c] * (log q[n,c] - log p[n,c])
///
/// It seeks modes: a student that cannot match all of the teacher's distribution gives up what the
/// teacher gives little probability, where `soft_target_kl` would spread over all of it. Used for
/// language models.
///
/// @par Units
/// Nats per example, times T^2 if it is applied.
/// @par Gradients
/// To the student's logits; none to the teacher's.
/// @par Source
/// Gu, Dong, Wei, Huang: MiniLLM: Knowledge Distillation of Large Language Models, 2023,
/// arXiv:2306.08543, section 2.1. T and T^2 are those of `soft_target_kl`; the paper has T = 1.
/// @par Departs
/// The paper's expectation is over sequences that the student generates; this is the divergence for
/// each token of given sequences.
struct reverse_kl {
  static constexpr std::string_view name = "reverse-kl";
  static constexpr bool has_state = false;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  rolewise::temperature temperature{1.0};
  bool scale_by_t_squared = true;

  /// For 16-bit logits, computed in single precision. Pixels, tokens and weights count as in
  /// `soft_target_kl`.
  /// @return `[]`, in the dtype and on the device of the logits
  /// @throws std::invalid_argument as `soft_target_kl`
  /// @pre Every logit is finite, unchecked.
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(DistillationLoss<reverse_kl>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/reverse_kl.hpp>
#endif
