// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The learning rate at a step of a run.

#include <rolewise/core/training_progress.hpp>
#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise::detail {

/// The optimizer's rate times the schedule's factor.
/// @throws std::invalid_argument that names both if the product is not finite: one update with it
///         would make every weight non-finite
template<typename Optimizer, typename LearningRateSchedule>
[[nodiscard]] double learning_rate_at(const Optimizer& optimizer,
                                      const LearningRateSchedule& lr_schedule,
                                      const training_progress& progress)
{
  const double before = optimizer.learning_rate, factor = lr_schedule(progress),
               rate = before * factor;
  if (!std::isfinite(rate))
    throw_invalid_argument(
        "learning rate", "in epoch ", progress.epoch, ", step ", progress.step, " it is ",
        without_sign_of_nan(rate), ": want a finite rate of the optimizer and a finite factor ",
        "of the schedule, got ", without_sign_of_nan(before), " and ", without_sign_of_nan(factor));
  return rate;
}

}  // namespace rolewise::detail
