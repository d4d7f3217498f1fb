// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The distillation loss that teaches nothing; the template for one's own.

#include <rolewise/core/error.hpp>
#include <rolewise/loss/distillation_loss.hpp>

namespace rolewise {

/// Zero, whatever the two networks say.
///
/// @par Gradients
/// Exactly zero to the student's logits, and defined, so that whoever calls `backward` need not
/// know. An infinite logit changes neither.
struct no_distillation {
  static constexpr std::string_view name = "no-distillation";
  static constexpr bool wants_features = false;
  static constexpr bool has_state = false;

  /// @return `[]`, in the dtype and on the device of the student's logits
  [[nodiscard]] torch::Tensor operator()(const paired_responses& pair) const
  {
    const auto& logits = pair.student.logits;
    if (!logits.defined()) refuse(name, "logits are undefined");
    return logits.flatten().slice(0, 0, 0).sum();  // of no elements
  }
};

static_assert(DistillationLoss<no_distillation>);

}  // namespace rolewise
