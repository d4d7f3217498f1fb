// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The linear warm-up of a loss over epochs.

#include <rolewise/core/training_progress.hpp>

#include <algorithm>
#include <cstdint>

namespace rolewise::detail {

/// min(epoch / epochs, 1); 1 where there is no warm-up.
[[nodiscard]] inline double warm_up(const training_progress& at, std::int64_t epochs)
{
  if (epochs <= 0) return 1.0;
  return std::min(static_cast<double>(at.epoch) / static_cast<double>(epochs), 1.0);
}

}  // namespace rolewise::detail
