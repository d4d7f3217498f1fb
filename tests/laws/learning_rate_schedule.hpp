// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of Schedule that no compiler can check.

#include "doctest.hpp"

#include <rolewise/train/learning_rate_schedule.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

namespace rolewise::laws {

/// The factors of a run, in the order of its steps.
template<LearningRateSchedule S>
[[nodiscard]] std::vector<double> factors_of(const S& schedule, std::int64_t epochs,
                                             std::int64_t steps)
{
  std::vector<double> factors;
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch)
    for (std::int64_t step = 0; step < steps; ++step)
      factors.push_back(
          schedule({.epoch = epoch, .step = step, .epochs = epochs, .steps_per_epoch = steps}));
  return factors;
}

template<LearningRateSchedule S>
void hold_for(const S& schedule)
{
  for (const std::int64_t epochs : {1, 2, 7})
    for (const std::int64_t steps : {1, 3}) {
      CAPTURE(epochs);
      CAPTURE(steps);
      const auto factors = factors_of(schedule, epochs, steps);
      for (const double factor : factors) {
        CHECK(std::isfinite(factor));
        CHECK(factor >= 0.0);
      }
      // A pure function: the same factors out of order, repeated, or from a copy.
      const auto copy = schedule;
      for (auto epoch = epochs - 1; epoch >= 0; --epoch)
        for (auto step = steps - 1; step >= 0; --step)
          CHECK(copy({.epoch = epoch, .step = step, .epochs = epochs, .steps_per_epoch = steps}) ==
                factors[static_cast<std::size_t>(epoch * steps + step)]);
      CHECK(factors_of(schedule, epochs, steps) == factors);
    }
}

}  // namespace rolewise::laws
