// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Argument check of the weights of a loss's terms.

#include <rolewise/support/error.hpp>

#include <cmath>
#include <string_view>

namespace rolewise::detail {

/// @throws std::invalid_argument unless the weight is finite and at least 0
inline void require_weight(double weight, std::string_view what, std::string_view caller)
{
  if (!(weight >= 0.0) || !std::isfinite(weight))
    throw_invalid_argument(caller, "want a finite ", what, " of at least 0, got ", weight);
}

}  // namespace rolewise::detail
