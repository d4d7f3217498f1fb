// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Schedules of the numbers in a loss, such as temperatures and weights, over a training run.

#include <rolewise/core/fraction.hpp>
#include <rolewise/core/training_progress.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <numbers>

namespace rolewise {

/// A schedule of a `Value`: maps training progress to it. It is stateless: the same progress always
/// gets the same value.
template<typename S, typename Value>
concept ValueSchedule =
    std::copyable<S> && requires(const S schedule, const training_progress progress) {
      { schedule(progress) } -> std::same_as<Value>;
    };

namespace detail {

/// Share of a schedule that is done, 0 to 1, if it ends at a fraction of the run.
[[nodiscard]] inline double share_of_schedule(const training_progress& progress, double until)
{
  return until > 0.0 ? std::min(progress.fraction() / until, 1.0) : 1.0;
}

}  // namespace detail

/// Linear schedule: from one value to another in equal steps, step by step.
///
///     from + (to - from) * s,  s = min(share of the run that is done / until, 1)
///
/// @tparam Value a number of a type of its own: made of a double, with a `value()`
template<typename Value>
struct linear_schedule {
  Value from, to;
  fraction until{1.0};  ///< share of the run after which it stays at `to`

  [[nodiscard]] Value operator()(const training_progress& progress) const
  {
    const double share = detail::share_of_schedule(progress, until.value());
    return Value{from.value() + (to.value() - from.value()) * share};
  }
};

/// Cosine schedule: from one value to another along half a cosine, step by step.
///
///     to + (from - to) * (1 + cos(pi * s)) / 2,  s as in `linear_schedule`
template<typename Value>
struct cosine_schedule {
  Value from, to;
  fraction until{1.0};  ///< share of the run after which it stays at `to`

  [[nodiscard]] Value operator()(const training_progress& progress) const
  {
    const double share = detail::share_of_schedule(progress, until.value());
    const double rest = 0.5 * (1.0 + std::cos(std::numbers::pi * share));
    return Value{to.value() + (from.value() - to.value()) * rest};
  }
};

}  // namespace rolewise
