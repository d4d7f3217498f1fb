// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Combination of task and distillation gradients, the second with the norm of the first.

#include <rolewise/loss/detail/gradient_norms.hpp>
#include <rolewise/loss/detail/require_weight.hpp>
#include <rolewise/loss/gradient_combination.hpp>

#include <string_view>

namespace rolewise {

/// Gradient-norm balance: for each parameter tensor separately, the distillation gradient gets a
/// fixed share of the norm of the task gradient, so no weight between the two has to be found.
///
///     g = dTask + dDistillation * ratio * ||dTask|| / ||dDistillation||
///
/// with Euclidean norms. Where one of the gradients of a tensor is zero, g is the task gradient.
/// Weights inside the distillation loss matter against each other alone. `clipped_to_task` never
/// lengthens a gradient.
///
/// @par Determinism
/// A function of its arguments; no random draw.
/// @par Source
/// The aim is that of Chen, Badrinarayanan, Lee, Rabinovich: GradNorm: Gradient Normalization for
/// Adaptive Loss Balancing in Deep Multitask Networks, 2018, arXiv:1711.02257, section 3: gradients
/// of equal norms.
/// @par Departs
/// GradNorm learns a weight for each loss, of the norms at one shared layer and of the speeds at
/// which the losses fall. Here the norms are equal in every step and every tensor, and speeds do
/// not count (its alpha is 0).
template<typename Task, typename Distillation>
struct balanced_to_task {
  static_assert(LossFunction<Task>, "task wants a LossFunction, such as cross_entropy{}");
  static_assert(LossFunction<Distillation>,
                "distillation wants a DistillationLoss, such as soft_target_kl{}");

  static constexpr std::string_view name = "balanced-to-task";
  static constexpr bool has_state =
      !(state_must::be_denied<Task> && state_must::be_denied<Distillation>);
  static constexpr bool wants_class_labels =
      rolewise::wants_class_labels<Task>() || rolewise::wants_class_labels<Distillation>();

  Task task{};
  Distillation distillation{};
  double ratio = 1.0;  ///< of the norms; 0 or more

  /// 16-bit gradients are combined in single precision. Does not synchronize with the device.
  /// @return a new tensor, with the shape and dtype of the gradients; undefined if both are
  /// @throws std::invalid_argument for a ratio that is negative or not finite
  [[nodiscard]] torch::Tensor combine(const torch::Tensor& task_gradient,
                                      const torch::Tensor& distillation_gradient,
                                      const training_progress&) const
  {
    detail::require_weight(ratio, "ratio", name);
    return detail::sum_with_norm(task_gradient, distillation_gradient, ratio,
                                 detail::norm_rule::equal);
  }

  template<typename Archive>
  void visit_state(Archive& archive)
    requires(Stateful<Task> && Stateful<Distillation> &&
             (state_must::be_shown<Task> || state_must::be_shown<Distillation>))
  {
    visit_part(archive, "task", task);
    visit_part(archive, "distillation", distillation);
  }
};

}  // namespace rolewise
