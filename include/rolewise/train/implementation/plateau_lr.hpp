// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/plateau_lr.hpp>.

#include <rolewise/train/plateau_lr.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise {

ROLEWISE_INLINE void plateau_lr::observe(double loss)
{
  if (!(factor > 0.0 && factor <= 1.0))
    throw_invalid_argument("plateau_lr", "want a factor in (0, 1], got ", factor);
  if (!std::isfinite(loss)) return;
  if (observed > 0) {
    const double gain = last - loss;
    if (gain < least_gain && std::abs(gain) < least_change * std::abs(last)) current *= factor;
  }
  last = loss;
  ++observed;
}

}  // namespace rolewise
