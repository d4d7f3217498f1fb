// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Paired differences as text: which of two is higher, by how much, and whether it is significant.

#include <rolewise/measurement/paired_difference.hpp>
#include <rolewise/report/table.hpp>
#include <rolewise/support/inline.hpp>

#include <string>
#include <string_view>

namespace rolewise::report {

/// `+1.20 (0.66 .. 1.74)`: the mean of a paired difference and its 95 % confidence interval.
[[nodiscard]] ROLEWISE_INLINE std::string interval_text(const measurement::paired_difference& found,
                                                        int digits);

/// One sentence about the difference `a - b`, from the numbers alone:
///
///     d is above b by 1.20 points (0.66 .. 1.74, 20 pairs).
///     c and b are not told apart: +0.10 points (-0.52 .. 0.72, 20 pairs); a difference of this
///     size would want about 1270 pairs.
///
/// The number of pairs is left out if it is above 10000: the pairs then show no difference.
/// @param unit of the values, in the plural
/// @param pair what a pair of values belongs to, in the plural, such as `seeds`
[[nodiscard]] ROLEWISE_INLINE std::string comparison_text(
    std::string_view a, std::string_view b, const measurement::paired_difference& found,
    std::string_view unit = "points", std::string_view pair = "pairs", int digits = 2);

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/comparison_text.hpp>
#endif
