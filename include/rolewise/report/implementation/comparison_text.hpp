// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/comparison_text.hpp>.

#include <rolewise/report/comparison_text.hpp>

#include <cmath>

namespace rolewise::report {

ROLEWISE_INLINE std::string interval_text(const measurement::paired_difference& found, int digits)
{
  return (found.mean > 0.0 ? "+" : "") + fixed_text(found.mean, digits) + " (" +
         fixed_text(found.low, digits) + " .. " + fixed_text(found.high, digits) + ")";
}

ROLEWISE_INLINE std::string comparison_text(std::string_view a, std::string_view b,
                                            const measurement::paired_difference& found,
                                            std::string_view unit, std::string_view pair,
                                            int digits)
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
