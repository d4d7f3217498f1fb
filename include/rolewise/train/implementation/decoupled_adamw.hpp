// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/decoupled_adamw.hpp>.

#include <rolewise/train/decoupled_adamw.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE adamw decay_outside_of_rate(adamw settings)
{
  require_sound_averages("decoupled_adamw", settings);
  if (settings.weight_decay == 0.0) return settings;
  settings.weight_decay /= settings.learning_rate;
  if (!std::isfinite(settings.weight_decay))
    throw_invalid_argument("decoupled_adamw", "want a learning_rate that is not 0, or no ",
                           "weight_decay: its share of the schedule is found by their quotient; ",
                           "got ", settings.learning_rate);
  return settings;
}

}  // namespace rolewise::detail
