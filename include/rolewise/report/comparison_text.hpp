// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Paired differences as text: which of two is higher, by how much, and whether it is significant.

#include <rolewise/measurement/paired_difference.hpp>
#include <rolewise/report/table.hpp>

#include <cmath>
#include <string>
#include <string_view>

namespace rolewise::report {

/// `+1.20 (0.66 .. 1.74)`: the mean of a paired difference and its 95 % confidence interval.
[[nodiscard]] inline std::string interval_text(const measurement::paired_difference& found,
                                               int digits)
{
  return (found.mean > 0.0 ? "+" : "") + fixed_text(found.mean, digits) + " (" +
         fixed_text(found.low, digits) + " .. " + fixed_text(found.high, digits) + ")";
}

/// One sentence about the difference `a - b`, from the numbers alone:
///
///     d is above b by 1.20 points (0.66 .. 1.74, 20 pairs).
///     c and b are not told apart: +0.10 points (-0.52 .. 0.72, 20 pairs); a difference of this
///     size would want about 1270 pairs.
///
/// The number of pairs is left out if it is above 10000: the pairs then show no difference.
/// @param unit of the values, in the plural
/// @param pair what a pair of values belongs to, in the plural, such as `seeds`
[[nodiscard]] inline std::string comparison_text(std::string_view a, std::string_view b,
                                                 const measurement::paired_difference& found,
                                                 std::string_view unit = "points",
                                                 std::string_view pair = "pairs", int digits = 2)
{
  constexpr double most = 1e4;
  const auto range = fixed_text(found.low, digits) + " .. " + fixed_text(found.high, digits) +
                     ", " + std::to_string(found.pairs) + " " + std::string{pair};
  const auto amount = [&](double mean) {
    return fixed_text(mean, digits) + " " + std::string{unit};
  };
  std::string words{a};
  if (found.is_told_apart())
    return words.append(found.mean > 0.0 ? " is above " : " is below ")
        .append(b)
        .append(" by ")
        .append(amount(std::abs(found.mean)))
        .append(" (")
        .append(range)
        .append(").");
  words.append(" and ").append(b).append(" are not told apart: ");
  words.append(found.mean > 0.0 ? "+" : "").append(amount(found.mean));
  words.append(" (").append(range).append(")");
  if (const double wanted = measurement::pairs_to_tell_apart(found); wanted <= most)
    words.append("; a difference of this size would want about ")
        .append(fixed_text(wanted, 0))
        .append(" ")
        .append(pair);
  return words + ".";
}

}  // namespace rolewise::report
