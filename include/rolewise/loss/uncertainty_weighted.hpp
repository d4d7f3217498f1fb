// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Uncertainty weighting: a sum of losses with learned weights.

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/loss/detail/learned_weights.hpp>
#include <rolewise/loss/loss_terms.hpp>
#include <rolewise/loss/weighted_sum.hpp>

#include <cstddef>
#include <string_view>
#include <tuple>

namespace rolewise {

/// Uncertainty weighting: each loss of a sum is weighted by a learned variance.
///
///     total = sum_i exp(-s_i) * w_i * loss_i + s_i / 2,  s_i learned, 0 at first
///
///     uncertainty_weighted{.loss = cross_entropy{} + soft_target_kl{}}
///
/// s_i is the logarithm of a variance. With the network fixed, exp(-s_i) goes to
/// 1 / (2 w_i loss_i): large losses get small weights, and the w_i of the sum matter only until
/// then. The student's optimizer updates s, under its weight decay unless that is for weights only
/// (`decay::weights_only`). Losses have to be positive. Reports have, after the terms, the
/// weights `exp(-s_i) * w_i`.
///
/// @par Gradients
/// To the student's outputs, those of the losses times their weights; to s_i,
/// `1 / 2 - exp(-s_i) w_i loss_i`.
/// @par Source
/// Kendall, Gal, Cipolla: Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry
/// and Semantics, 2018, arXiv:1705.07115, section 3.2, in the form for classification (equation
/// 10), which learns the logarithm of the variance as section 3.2 recommends.
/// @par Departs
/// All losses have the form for classification: a factor of 1/2 of a loss is absorbed by s.
template<LossFunction... Os>
struct uncertainty_weighted {
  using sum = weighted_sum<Os...>;

  static constexpr std::string_view name = "uncertainty-weighted";
  static constexpr taps teacher_taps = sum::teacher_taps;
  static constexpr taps student_taps = sum::student_taps;
  static constexpr bool reads_teacher = sum::reads_teacher;
  static constexpr bool reaches_teacher = sum::reaches_teacher;
  static constexpr bool wants_class_labels = sum::wants_class_labels;
  static constexpr bool minimum_at_teacher = sum::minimum_at_teacher;
  static constexpr rolewise::invariances invariances = sum::invariances;

  sum loss;
  owned_tensor log_variances{};  ///< s, `[terms]`; internal, do not set

  /// Makes s, unless there is one, and configures the losses.
  void configure(const feature_shapes& teacher, const feature_shapes& student)
  {
    if (!log_variances->defined()) log_variances = detail::first_log_variances(sizeof...(Os));
    configure_loss(loss, teacher, student);
  }

  /// 16-bit losses are added in single precision.
  /// @return `[]`, in the dtype of the first loss
  /// @throws std::invalid_argument before `configure`, and as the losses
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    return evaluate_terms(pair, targets).total;
  }

  /// @return the total, the value of each loss, and then the weight of each
  [[nodiscard]] loss_terms evaluate_terms(const paired_outputs& pair, const targets& targets) const
  {
    detail::learned_weights terms{log_variances, name};
    std::apply(
        [&](const auto&... term) {
          (terms.add(Os::name, evaluate_loss(term.loss, pair, targets), term.by.value()), ...);
        },
        loss.terms());
    return terms.finish();
  }

  void after_step(const paired_outputs& pair, const targets& targets)
    requires(moves_after_step<sum>())
  {
    loss.after_step(pair, targets);
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("log_variances", *log_variances);
    if constexpr (sum::has_state) archive.part("loss", loss);
  }
  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("loss", loss);
  }
};

}  // namespace rolewise
