// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/turn.hpp>.

#include <rolewise/train/turn.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE bool turn::operator()(const training_progress& progress) const
{
  if (every < 1 || first < 0 || count < 1 || first + count > every)
    throw_invalid_argument("turn", "want 0 <= first < first + count <= every, got first ", first,
                           ", count ", count, ", every ", every);
  const auto step = progress.global_step();
  if (step < from || (until >= 0 && step >= until)) return false;
  const auto place = (step - from) % every;
  return place >= first && place < first + count;
}

}  // namespace rolewise
