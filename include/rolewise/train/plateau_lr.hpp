// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `plateau_lr` schedule: a learning rate that falls where the loss stands still.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/support/inline.hpp>
#include <rolewise/train/learning_rate_schedule.hpp>

#include <cstdint>

namespace rolewise {

/// Multiplies the learning rate by `factor` after each pass over the data whose mean loss stands
/// still: it fell by less than `least_gain` since the pass before, and changed by a share of less
/// than `least_change`.
///
///     last - loss < least_gain  and  |last - loss| < least_change * |last|
///
/// A loss that jumps up by more than that share leaves the rate as it is.
///
/// The step that owns the schedule calls `observe` with the loss of each pass, and lists it in its
/// `visit_state`: the losses are what the factor is a function of.
///
/// @par Source
/// ALRS in the code shaoshitong/TST, f9616a2, of Shao et al.: Teaching What You Should Teach: A
/// Data-Based Distillation Method, 2022, arXiv:2212.05422.
struct plateau_lr {
  double factor = 0.9;         ///< in (0, 1]
  double least_gain = 0.02;    ///< in the unit of the loss
  double least_change = 0.02;  ///< share of the last loss

  double current = 1.0;       ///< state, do not set: the factor of the learning rate
  double last = 0.0;          ///< state, do not set: the loss of the last pass
  std::int64_t observed = 0;  ///< state, do not set: passes

  [[nodiscard]] double operator()(const training_progress&) const { return current; }

  /// The same schedule, before its first loss.
  [[nodiscard]] plateau_lr restarted() const
  {
    return {.factor = factor, .least_gain = least_gain, .least_change = least_change};
  }

  /// Takes the mean loss of a pass in; one that is not finite changes nothing.
  /// @throws std::invalid_argument for a factor that is not in (0, 1]
  void observe(double loss);

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("current", current);
    archive.value("last", last);
    archive.value("observed", observed);
  }
};

static_assert(LearningRateSchedule<plateau_lr>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/plateau_lr.hpp>
#endif
