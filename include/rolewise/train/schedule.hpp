// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// How the learning rate moves over a run.
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

/// From a moment to the factor of the learning rate; unitless, at least 0. The same moment always
/// gets the same factor: a schedule remembers nothing.
template<typename S>
concept Schedule = std::copyable<S> && schedule_must::turn_a_moment_into_a_factor<S>;

/// The factor 1 throughout; the template for one's own.
struct constant {
  static constexpr bool has_state = false;

  [[nodiscard]] double operator()(const moment&) const { return 1.0; }
};

static_assert(Schedule<constant>);

/// Multiplied by `factor` at each of some points of the run.
///
///     factor ^ (number of entries of `at` that are <= share of the run behind)
struct step_decay {
  static constexpr bool has_state = false;

  std::vector<double> at = {0.5, 0.75};  ///< shares of the run, in [0, 1]; in any order
  double factor = 0.1;

  [[nodiscard]] double operator()(const moment& now) const
  {
    // Whole steps are compared, so that half of 10 steps begins at step 5 exactly.
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

/// From 1 down to `lowest` along half a cosine, a little in each step.
///
///     lowest + (1 - lowest) * (1 + cos(pi * share of the run behind)) / 2
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

/// Rises in equal steps for some epochs, then follows another schedule, which sees the rest of the
/// run as if it were the whole.
///
///     (t + 1) / T    in the step t of the first T = epochs * steps per epoch
///
/// @par Source
/// Goyal et al.: Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, 2017,
/// arXiv 1706.02677, section 2.2 (gradual warm-up).
template<Schedule Then = cosine>
struct warm_up {
  static constexpr bool has_state = false;

  std::int64_t epochs = 5;  ///< 0: none; at least the whole run: nothing else
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
