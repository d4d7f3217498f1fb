// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Combination of task and distillation gradients, the second clipped to the norm of the first.

#include <rolewise/loss/detail/gradient_norms.hpp>
#include <rolewise/loss/gradient_combination.hpp>

#include <cmath>
#include <cstdint>

namespace rolewise {

/// Role-KD's gradient combination: for each parameter tensor separately, the norm of the
/// distillation gradient is clipped to that of the task gradient, after a short ramp.
///
///     g = dTask + clip_norm(dDistillation, ||dTask|| * sigma(e))
///     clip_norm(d, c) = d * min(1, c / ||d||)
///     sigma(e) = 1 / (1 + exp(-(e - initial_epoch))),  1 where above 1 - 1e-8
///
/// with e the epoch and Euclidean norms. Where the task gradient of a tensor is zero, so is the
/// combined one. A weight on the distillation loss has an effect only while the gradient is not
/// clipped.
///
/// @par Determinism
/// A function of its arguments; no random draw.
/// @par Source
/// The released code of Role-KD (Role-Wise Data Augmentation for Knowledge Distillation, 2020,
/// arXiv:2004.08861), its combination for graph-based and soft-logit losses.
template<typename Task, typename Distillation>
struct clipped_to_task {
  static_assert(LossFunction<Task>, "task wants a LossFunction, such as cross_entropy{}");
  static_assert(LossFunction<Distillation>,
                "distillation wants a DistillationLoss, such as soft_target_kl{}");

  static constexpr std::string_view name = "clipped-to-task";
  static constexpr bool has_state =
      !(state_must::be_denied<Task> && state_must::be_denied<Distillation>);
  static constexpr bool wants_class_labels =
      rolewise::wants_class_labels<Task>() || rolewise::wants_class_labels<Distillation>();

  Task task{};
  Distillation distillation{};
  std::int64_t initial_epoch = 0;  ///< the epoch at which the ramp is 1/2

  /// sigma(e) of the epoch of `progress`, in (0, 1].
  [[nodiscard]] double ramp(const training_progress& progress) const
  {
    const double share =
        1.0 / (1.0 + std::exp(static_cast<double>(initial_epoch - progress.epoch)));
    return share > 1.0 - 1e-8 ? 1.0 : share;
  }

  /// 16-bit gradients are combined in single precision. Does not synchronize with the device.
  /// @return a new tensor, with the shape and dtype of the gradients; undefined if both are
  [[nodiscard]] torch::Tensor combine(const torch::Tensor& task_gradient,
                                      const torch::Tensor& distillation_gradient,
                                      const training_progress& progress) const
  {
    return detail::sum_with_norm(task_gradient, distillation_gradient, ramp(progress),
                                 detail::norm_rule::at_most);
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
