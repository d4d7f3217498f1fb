// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `LearningRateSchedule` concept and learning rate schedules: constant, step decay,
/// exponential, cosine, warm-up.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/training_progress.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <numbers>
#include <vector>

namespace rolewise {

namespace schedule_must {

template<typename S>
concept turn_training_progress_into_a_factor =
    requires(const S schedule, const training_progress progress) {
      { schedule(progress) } -> std::same_as<double>;
    };

}  // namespace schedule_must

/// A learning rate schedule: maps training progress to a factor of the learning rate; unitless, at
/// least 0. It is stateless: the same progress always gets the same factor.
template<typename S>
concept LearningRateSchedule =
    std::copyable<S> && schedule_must::turn_training_progress_into_a_factor<S>;

/// Constant schedule with the factor 1; a template for new schedules.
struct constant_lr {
  static constexpr bool has_state = false;

  [[nodiscard]] double operator()(const training_progress&) const { return 1.0; }
};

static_assert(LearningRateSchedule<constant_lr>);

/// Step decay: multiplies the learning rate by `factor` at each of some points of the run.
///
///     factor ^ (number of entries of `at` that are <= the share of the run that is done)
struct multi_step_lr {
  static constexpr bool has_state = false;

  std::vector<double> at = {0.5, 0.75};  ///< shares of the run, in [0, 1]; in any order
  double factor = 0.1;

  [[nodiscard]] double operator()(const training_progress& progress) const;
};

static_assert(LearningRateSchedule<multi_step_lr>);

/// Exponential decay: multiplies the learning rate by `factor` after each step.
///
///     factor ^ (steps before this one)
struct exponential_lr {
  static constexpr bool has_state = false;

  double factor = 0.999;  ///< in [0, 1]

  [[nodiscard]] double operator()(const training_progress& progress) const
  {
    return std::pow(factor, static_cast<double>(progress.global_step()));
  }
};

static_assert(LearningRateSchedule<exponential_lr>);

/// Cosine annealing: decreases from 1 to `lowest` along half a cosine, step by step.
///
///     lowest + (1 - lowest) * (1 + cos(pi * share of the run that is done)) / 2
///
/// @par Source
/// Loshchilov, Hutter: SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017,
/// arXiv 1608.03983, equation 5, without restarts.
struct cosine_annealing {
  static constexpr bool has_state = false;

  double lowest = 0.0;  ///< approached at the end of the run

  [[nodiscard]] double operator()(const training_progress& progress) const
  {
    return lowest + (1.0 - lowest) * 0.5 * (1.0 + std::cos(std::numbers::pi * progress.fraction()));
  }
};

static_assert(LearningRateSchedule<cosine_annealing>);

/// Linear warm-up: rises in equal steps for some epochs, then applies another schedule to the
/// rest of the run as if it were the whole run.
///
///     (t + 1) / T    in the step t of the first T = epochs * steps per epoch
///
/// @par Source
/// Goyal et al.: Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, 2017,
/// arXiv 1706.02677, section 2.2 (gradual warm-up).
template<LearningRateSchedule Then = cosine_annealing>
struct warm_up {
  static constexpr bool has_state = false;

  std::int64_t epochs = 5;  ///< 0: no warm-up; the whole run or more: only warm-up
  Then then{};

  [[nodiscard]] double operator()(const training_progress& progress) const
  {
    if (progress.epoch < epochs)
      return static_cast<double>(progress.global_step() + 1) /
             static_cast<double>(epochs * progress.steps_per_epoch);
    return then(training_progress{.epoch = progress.epoch - epochs,
                                  .step = progress.step,
                                  .epochs = std::max<std::int64_t>(progress.epochs - epochs, 1),
                                  .steps_per_epoch = progress.steps_per_epoch});
  }
};

static_assert(LearningRateSchedule<warm_up<>>);

/// Linear warm-up over a number of steps, from 0: then another schedule for the rest of the run as
/// if it were the whole run.
///
///     t / T    in the step t, counted from 0, of the first T = steps
///
/// The first step has the rate 0. `warm_up` counts epochs, and begins above 0.
///
/// @par Source
/// Beyer, Zhai, Royer, Markeeva, Anil, Kolesnikov: Knowledge distillation: A good teacher is
/// patient and consistent, 2021, arXiv:2106.05237, by its code, google-research/big_vision,
/// 0127fb6.
template<LearningRateSchedule Then = cosine_annealing>
struct warm_up_steps {
  static constexpr bool has_state = false;

  std::int64_t steps = 1500;  ///< 0: no warm-up; the whole run or more: only warm-up
  Then then{};

  [[nodiscard]] double operator()(const training_progress& progress) const
  {
    const auto at = progress.global_step();
    if (at < steps) return static_cast<double>(at) / static_cast<double>(steps);
    const auto before = std::max<std::int64_t>(steps, 0);
    return then(training_progress{
        .epoch = 0,
        .step = at - before,
        .epochs = 1,
        .steps_per_epoch = std::max<std::int64_t>(progress.total_steps() - before, 1)});
  }
};

static_assert(LearningRateSchedule<warm_up_steps<>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/learning_rate_schedule.hpp>
#endif
