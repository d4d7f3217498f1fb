// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Paired differences of two methods over seeds, with confidence intervals and sample sizes.

#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <vector>

namespace rolewise::measurement {

/// The mean of paired differences with its 95 % confidence interval, for normally distributed
/// differences.
struct paired_difference {
  double mean = 0.0;
  double low = 0.0;
  double high = 0.0;
  std::size_t pairs = 0;

  /// Whether the interval excludes zero: the difference is significant at the 5 % level.
  [[nodiscard]] bool is_told_apart() const { return low > 0.0 || high < 0.0; }

  friend bool operator==(const paired_difference&, const paired_difference&) = default;
};

/// The two-sided 95 % critical value of Student's t distribution with `freedom` degrees of
/// freedom (its 0.975 quantile), to 4 digits after the point.
/// @param freedom at least 1
[[nodiscard]] ROLEWISE_INLINE double student_t_95(std::size_t freedom);

/// The mean of `a - b` over pairs, with its confidence interval: values with the same index come
/// from the same seed.
/// @throws std::invalid_argument for fewer than 2 pairs
[[nodiscard]] ROLEWISE_INLINE paired_difference difference_of(const std::vector<double>& a,
                                                              const std::vector<double>& b);

/// The sample standard deviation (n - 1) of the differences, from their interval.
/// @throws std::invalid_argument for fewer than 2 pairs
[[nodiscard]] ROLEWISE_INLINE double deviation_of(const paired_difference& found);

/// The number of pairs that an experiment needs to detect a difference of this mean and deviation
/// at the 5 % level (two-sided) with a power of 80 %, as is usual.
///
/// @return at least 2; infinite for a mean of zero
/// @par Source
/// Guenther: Sample size formulas for normal theory t tests, 1981, The American Statistician 35
/// (4): n = (z(0.975) + z(0.8))^2 / d^2 + z(0.975)^2 / 2, d the mean over the deviation.
[[nodiscard]] ROLEWISE_INLINE double pairs_to_tell_apart(const paired_difference& found);

}  // namespace rolewise::measurement

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/measurement/implementation/paired_difference.hpp>
#endif
