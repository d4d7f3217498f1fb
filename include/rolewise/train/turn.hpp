// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `turn` type: the steps at which one of several learners is updated.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/training_progress.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

/// The steps of a run at which a learner is updated, as a value: periodic, and from one step to
/// another. Methods that alternate between learners ask it in each step:
///
///     turn discriminator_turn{.every = 6, .count = 5};            // 5 : 1
///     turn generator_turn{.every = 6, .first = 5};
///     ...
///       if (discriminator_turn(progress)) discriminator.minimize(loss, progress);
///
/// Steps count from 0 over the whole run (`training_progress::global_step`).
struct turn {
  std::int64_t every = 1;   ///< length of the period, in steps; at least 1
  std::int64_t first = 0;   ///< first step of each period, 0 .. every - 1
  std::int64_t count = 1;   ///< number of steps in each period, 1 .. every - first
  std::int64_t from = 0;    ///< no turn before this step; periods count from it
  std::int64_t until = -1;  ///< no turn from this step on; -1: to the end of the run

  /// Whether the learner is updated in this step.
  /// @throws std::invalid_argument for a period in which there is no such step
  [[nodiscard]] bool operator()(const training_progress& progress) const;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/turn.hpp>
#endif
