// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/measurement/paired_difference.hpp>.

#include <rolewise/measurement/paired_difference.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace rolewise::measurement {

ROLEWISE_INLINE double student_t_95(std::size_t freedom)
{
  constexpr std::array table{12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646,
                             2.3060,  2.2622, 2.2281, 2.2010, 2.1788, 2.1604, 2.1448,
                             2.1314,  2.1199, 2.1098, 2.1009, 2.0930, 2.0860};
  if (freedom < 1)
    throw_invalid_argument("student_t_95", "want at least 1 degree of freedom, got 0");
  if (freedom <= table.size()) return table[freedom - 1];
  // Cornish-Fisher expansion about the quantile of the normal distribution.
  constexpr double z = 1.959963984540054, z2 = z * z;
  const double part = 1.0 / static_cast<double>(freedom);
  return z * (1.0 + part * ((z2 + 1.0) / 4.0 +
                            part * (((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0 +
                                    part * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0)));
}

ROLEWISE_INLINE paired_difference difference_of(const std::vector<double>& a,
                                                const std::vector<double>& b)
{
  if (a.size() != b.size() || a.size() < 2)
    throw_invalid_argument("difference_of", "got ", a.size(), " and ", b.size(),
                           " values, want as many of each, at least 2");
  const auto count = static_cast<double>(a.size());
  double sum = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] - b[i];
  const double mean = sum / count;
  for (std::size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i] - mean) * (a[i] - b[i] - mean);
  const double reach =
      student_t_95(a.size() - 1) * std::sqrt(squares / (count - 1.0)) / std::sqrt(count);
  return {mean, mean - reach, mean + reach, a.size()};
}

ROLEWISE_INLINE double deviation_of(const paired_difference& found)
{
  if (found.pairs < 2)
    throw_invalid_argument("deviation_of", "got ", found.pairs, " pairs, want at least 2");
  return (found.high - found.low) / 2.0 / student_t_95(found.pairs - 1) *
         std::sqrt(static_cast<double>(found.pairs));
}

ROLEWISE_INLINE double pairs_to_tell_apart(const paired_difference& found)
{
  constexpr double level = 1.959963984540054, power = 0.8416212335729143;
  const double effect = std::abs(found.mean) / deviation_of(found);
  if (std::isnan(effect)) return std::numeric_limits<double>::infinity();  // 0 / 0
  const double part = (level + power) / effect;
  return std::max(2.0, std::ceil(part * part + level * level / 2.0));
}

}  // namespace rolewise::measurement
