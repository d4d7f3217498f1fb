// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `Schedule` concept and learning rate schedules: constant, step decay, cosine, warm-up.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/error.hpp>
#include <rolewise/core/moment.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <numbers>
#include <vector>

namespace rolewise {

namespace schedule_must {

template<typename S>
concept turn_a_moment_into_a_factor = requires(const S schedule, const moment now) {
  { schedule(now) } -> std::same_as<double>;
};

}  // namespace schedule_must

/// A learning rate schedule: maps a moment to a factor of the learning rate; unitless, at least
/// 0. It is stateless: the same moment always gets the same factor.
template<typename S>
concept Schedule = std::copyable<S> && schedule_must::turn_a_moment_into_a_factor<S>;

/// Constant schedule with the factor 1; a template for new schedules.
struct constant {
  static constexpr bool has_state = false;

  [[nodiscard]] double operator()(const moment&) const { return 1.0; }
};

static_assert(Schedule<constant>);

/// Step decay: multiplies the learning rate by `factor` at each of some points of the run.
///
///     factor ^ (number of entries of `at` that are <= the share of the run that is done)
struct step_decay {
  static constexpr bool has_state = false;

  std::vector<double> at = {0.5, 0.75};  ///< shares of the run, in [0, 1]; in any order
  double factor = 0.1;

  [[nodiscard]] double operator()(const moment& now) const
  {
    // Compares whole steps, so that half of 10 steps begins at step 5 exactly.
    const auto whole = static_cast<double>(now.steps_in_all());
    double rate = 1.0;
    for (const double share : at) {
      if (!(share >= 0.0 && share <= 1.0))
        refuse("step_decay", "want shares of the run in [0, 1], got ", share);
      if (static_cast<double>(now.steps_before()) >= std::round(share * whole)) rate *= factor;
    }
    return rate;
  }
};

static_assert(Schedule<step_decay>);

/// Cosine annealing: decreases from 1 to `lowest` along half a cosine, step by step.
///
///     lowest + (1 - lowest) * (1 + cos(pi * share of the run that is done)) / 2
///
/// @par Source
/// Loshchilov, Hutter: SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017,
/// arXiv 1608.03983, equation 5, without restarts.
struct cosine {
  static constexpr bool has_state = false;

  double lowest = 0.0;  ///< approached at the end of the run

  [[nodiscard]] double operator()(const moment& now) const
  {
    return lowest + (1.0 - lowest) * 0.5 * (1.0 + std::cos(std::numbers::pi * now.progress()));
  }
};

static_assert(Schedule<cosine>);

/// Linear warm-up: rises in equal steps for some epochs, then applies another schedule to the
/// rest of the run as if it were the whole run.
///
///     (t + 1) / T    in the step t of the first T = epochs * steps per epoch
///
/// @par Source
/// Goyal et al.: Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, 2017,
/// arXiv 1706.02677, section 2.2 (gradual warm-up).
template<Schedule Then = cosine>
struct warm_up {
  static constexpr bool has_state = false;

  std::int64_t epochs = 5;  ///< 0: no warm-up; the whole run or more: only warm-up
  Then then{};

  [[nodiscard]] double operator()(const moment& now) const
  {
    if (now.epoch < epochs)
      return static_cast<double>(now.steps_before() + 1) /
             static_cast<double>(epochs * now.steps_per_epoch);
    return then(moment{.epoch = now.epoch - epochs,
                       .step = now.step,
                       .epochs = std::max<std::int64_t>(now.epochs - epochs, 1),
                       .steps_per_epoch = now.steps_per_epoch});
  }
};

static_assert(Schedule<warm_up<>>);

}  // namespace rolewise
