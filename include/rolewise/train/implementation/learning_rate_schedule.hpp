// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/learning_rate_schedule.hpp>.

#include <rolewise/train/learning_rate_schedule.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE double multi_step_lr::operator()(const training_progress& progress) const
{
  // Compares whole steps, so that half of 10 steps begins at step 5 exactly.
  const auto whole = static_cast<double>(progress.total_steps());
  double rate = 1.0;
  for (const double share : at) {
    if (!(share >= 0.0 && share <= 1.0))
      throw_invalid_argument("multi_step_lr", "want shares of the run in [0, 1], got ", share);
    if (static_cast<double>(progress.global_step()) >= std::round(share * whole)) rate *= factor;
  }
  return rate;
}

}  // namespace rolewise
