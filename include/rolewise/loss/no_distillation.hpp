// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A distillation loss that is zero; also a template for your own losses.

#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

namespace rolewise {

/// Distillation loss that is zero for all outputs.
///
/// @par Gradients
/// Exactly zero to the student's logits, and defined, so that `backward` needs no special case.
/// An infinite logit changes neither value nor gradient.
struct no_distillation {
  static constexpr std::string_view name = "no-distillation";
  static constexpr bool has_state = false;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  /// @return `[]`, in the dtype and on the device of the student's logits
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair) const;
};

static_assert(DistillationLoss<no_distillation>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/no_distillation.hpp>
#endif
