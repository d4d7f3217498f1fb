// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Curriculum temperature: soft targets under a temperature learned against the student.

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise {

/// CTKD: `soft_target_kl` at a learned temperature that makes the task harder over time.
///
///     T = lowest + range * sigmoid(x),  x one learned number, 1 at first
///     loss = T^2 * mean_n KL(softmax(teacher / T) || softmax(student / T))
///     gradient of x: that of the loss times -lambda(e)
///     lambda(e) = (1 - cos(pi * min((e + 1) / ramp_epochs, 1))) / 2,  e the epoch, from 0
///
/// So the optimizer of the student, which updates x too, lowers the loss by the student and raises
/// it by the temperature. Usual: weight 0.9 beside `cross_entropy` with weight 0.1.
///
/// @par Units
/// Nats per example, times T^2.
/// @par Gradients
/// To the student's logits, and reversed to x; none to the teacher's logits.
/// @par Source
/// Li, Li, Yang, Zhao, Song, Luo, Li, Yang: Curriculum Temperature for Knowledge Distillation,
/// 2022, arXiv:2211.16231, section 3, with a global temperature; values as in the released code
/// (zhengli97/CTKD).
struct curriculum_temperature {
  static constexpr std::string_view name = "curriculum-temperature";
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  temperature lowest{1.0};
  double range = 20.0;            ///< above 0; T stays below lowest + range
  std::int64_t ramp_epochs = 10;  ///< epochs until lambda is 1; 0: it always is

  owned_tensor position{};  ///< x, `[]`; internal, do not set

  /// Makes x, unless there is one.
  void configure(const feature_shapes& teacher, const feature_shapes& student);

  /// The temperature of now, with the reversed gradient of x.
  /// @return `[]`
  /// @throws std::invalid_argument before `configure`, and for a range that is not above 0
  [[nodiscard]] torch::Tensor current(const training_progress& progress) const;

  /// For 16-bit logits, computed in single precision. Pixels, tokens and weights count as in
  /// `soft_target_kl`.
  /// @return `[]`, in the dtype and on the device of the logits
  /// @throws std::invalid_argument as `soft_target_kl` and `current`
  /// @pre Every logit is finite, unchecked.
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("position", *position);
  }
  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("lowest", lowest);
    archive.show("range", range);
    archive.show("ramp_epochs", ramp_epochs);
  }
};

static_assert(DistillationLoss<curriculum_temperature>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/curriculum_temperature.hpp>
#endif
