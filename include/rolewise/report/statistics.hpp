// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Summary statistics: mean, standard deviation, least and greatest value; numbers as text.

#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::report {

/// Summary of several measurements of one quantity, such as the accuracy over seeds.
struct statistics {
  double mean = 0.0;
  double std = 0.0;  ///< sample standard deviation (n - 1); 0 for one value
  double least = 0.0;
  double greatest = 0.0;
  std::size_t count = 0;

  friend bool operator==(const statistics&, const statistics&) = default;
};

/// Mean, standard deviation, least and greatest value; a NaN makes mean and deviation NaN.
/// @throws std::invalid_argument if there are none
[[nodiscard]] ROLEWISE_INLINE statistics statistics_of(const std::vector<double>& values);

/// A number with this many digits after the point, whatever the locale; `-` if it is not finite.
/// @throws std::invalid_argument for digits outside 0 .. 17
[[nodiscard]] ROLEWISE_INLINE std::string fixed_text(double value, int digits);

/// `92.13 +- 0.21` with U+00B1: mean and standard deviation; the mean alone for one value.
[[nodiscard]] ROLEWISE_INLINE std::string spread_text(const statistics& of, int digits);

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/statistics.hpp>
#endif
