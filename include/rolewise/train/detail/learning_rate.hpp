// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The learning rate at a step of a run.

#include <rolewise/core/error.hpp>
#include <rolewise/core/moment.hpp>

#include <cmath>

namespace rolewise::detail {

/// The optimizer's rate times the schedule's factor.
/// @throws std::invalid_argument that names both if the product is not finite: one update with it
///         would make every weight non-finite
template<typename Optimiser, typename Schedule>
[[nodiscard]] double learning_rate_at(const Optimiser& optimiser, const Schedule& schedule,
                                      const moment& now)
{
  const double before = optimiser.rate, factor = schedule(now), rate = before * factor;
  if (!std::isfinite(rate))
    refuse("learning rate", "in epoch ", now.epoch, ", step ", now.step, " it is ",
           without_sign_of_nan(rate), ": want a finite rate of the optimiser and a finite factor ",
           "of the schedule, got ", without_sign_of_nan(before), " and ",
           without_sign_of_nan(factor));
  return rate;
}

}  // namespace rolewise::detail
