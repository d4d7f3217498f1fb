// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Shapes of the schedules of losses.

#include <rolewise/core/training_progress.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace rolewise::detail {

/// Share of a schedule that is done, 0 to 1, if it ends at a fraction of the run.
[[nodiscard]] inline double share_of_schedule(const training_progress& progress, double until)
{
  return until > 0.0 ? std::min(progress.fraction() / until, 1.0) : 1.0;
}

/// The value of a linear schedule after a share of it.
[[nodiscard]] inline double linear_between(double from, double to, double share)
{
  return from + (to - from) * share;
}

/// The value of a schedule along half a cosine after a share of it.
[[nodiscard]] inline double cosine_between(double from, double to, double share)
{
  return to + (from - to) * (0.5 * (1.0 + std::cos(std::numbers::pi * share)));
}

}  // namespace rolewise::detail
