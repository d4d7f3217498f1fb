// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/systems/teach_augment.hpp>.

#include <rolewise/systems/teach_augment.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>
#include <numbers>

namespace rolewise::systems {

ROLEWISE_INLINE double teach_augment_lr::operator()(const training_progress& progress) const
{
  const auto epoch =
      static_cast<double>(progress.global_step()) / static_cast<double>(progress.steps_per_epoch);
  if (epoch < warm_up_epochs) return epoch / warm_up_epochs;
  const auto share = (epoch - warm_up_epochs) / static_cast<double>(progress.epochs);
  return 0.5 * (1.0 + std::cos(std::numbers::pi * share));
}

}  // namespace rolewise::systems
