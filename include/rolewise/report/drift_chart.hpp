// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Line chart of how the ranges of quantizers changed during training.

#include <rolewise/report/curves.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/range_drift.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rolewise::report {

/// A curve for each range: its mean divided by its first value, over epochs. Per-channel ranges
/// have a band from the least to the greatest, divided by the same number. Ranges that started at
/// 0 are left out. The chart is high enough for its legend.
/// @param containing only ranges whose full names contain it, such as `.inner.`; all if it is
///        empty
/// @throws std::invalid_argument if there is nothing to draw
[[nodiscard]] ROLEWISE_INLINE line_chart drift_chart(const range_history& history,
                                                     std::string_view containing = {});

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/drift_chart.hpp>
#endif
