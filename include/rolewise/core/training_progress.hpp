// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Training progress: epoch and step, and the totals of the run.

#include <cstdint>

namespace rolewise {

/// Position in a training run: step `step` (0-based, within the epoch) of epoch `epoch`
/// (0-based).
///
/// Passed to all parts that may change over a run: agents, schedules, losses with a ramp,
/// bit-width schemes.
struct training_progress {
  std::int64_t epoch = 0;
  std::int64_t step = 0;
  std::int64_t epochs = 1;           ///< of the whole run; at least 1
  std::int64_t steps_per_epoch = 1;  ///< at least 1

  /// Steps taken before this one since the run began.
  [[nodiscard]] constexpr std::int64_t global_step() const noexcept
  {
    return epoch * steps_per_epoch + step;
  }

  /// Steps of the whole run.
  [[nodiscard]] constexpr std::int64_t total_steps() const noexcept
  {
    return epochs * steps_per_epoch;
  }

  /// Completed fraction of the run, in [0, 1).
  [[nodiscard]] constexpr double fraction() const noexcept
  {
    return static_cast<double>(global_step()) / static_cast<double>(total_steps());
  }

  friend bool operator==(const training_progress&, const training_progress&) = default;
};

}  // namespace rolewise
