// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `interludes` type: passes of something else between the epochs of a training.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/training_progress.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <vector>

namespace rolewise {

/// Passes over the data in which a step trains something else, before given epochs of its training:
/// the stages of methods that stop training a network to train an agent, a generator or a loss.
///
///     const interludes searches{.before = {30, 90}, .passes = 30};
///     ...
///       const auto at = searches(progress);
///       if (at.is_inside) policy.minimize(loss, at.progress);
///       else student.minimize(loss, at.progress);
///     ...
///     fit(step, data, {.epochs = searches.epochs_with(240)});   // 240 of training, 60 of searches
///
/// The passes are epochs of `fit`, so that a run is validated, stored and resumed in the midst of
/// them; each part is told the progress of its own stage, and so schedules see a training of 240
/// epochs without a gap.
struct interludes {
  std::vector<std::int64_t> before = {};  ///< epochs of the training, from 0, rising
  std::int64_t passes = 1;                ///< over the data in each interlude, at least 1

  /// Where a step of the run stands.
  struct place {
    bool is_inside = false;  ///< of an interlude, else of the training
    /// Interludes begun so far, this one included.
    std::int64_t begun = 0;
    /// Of the interlude, from its first pass on, or of the training.
    training_progress progress{};
  };

  /// @param run the progress of the whole run, with passes and epochs of training
  /// @throws std::invalid_argument for epochs that do not rise or passes below 1, and for a run
  ///         that is too short for an epoch after the last interlude
  [[nodiscard]] place operator()(const training_progress& run) const;

  /// Epochs of `fit` for so many of training.
  [[nodiscard]] std::int64_t epochs_with(std::int64_t training) const
  {
    return training + passes * static_cast<std::int64_t>(before.size());
  }
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/interludes.hpp>
#endif
