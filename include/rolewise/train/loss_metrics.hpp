// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `metrics_of` function: the metrics of a step from the value of its loss.

#include <rolewise/loss/loss_terms.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/training_step.hpp>

#include <utility>

namespace rolewise {

/// The metrics of one step: `loss`, then the terms if the loss is a sum, of one loss, too.
[[nodiscard]] ROLEWISE_INLINE metrics metrics_of(loss_terms evaluated);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/loss_metrics.hpp>
#endif
