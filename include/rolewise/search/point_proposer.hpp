// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Where a strategy that shares out epochs gets the points of new trials from.

#include <rolewise/search/point.hpp>

#include <cstdint>
#include <functional>

namespace rolewise {

/// The point that the trial with this number is to start at. Asked once for a trial that starts;
/// what it answers depends on nothing but the number, so the order of the questions is free.
using point_proposer = std::function<point(std::int64_t)>;

}  // namespace rolewise
