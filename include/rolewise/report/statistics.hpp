// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Summary statistics: mean, standard deviation, least and greatest value.

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
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
[[nodiscard]] inline statistics statistics_of(const std::vector<double>& values)
{
  if (values.empty()) throw_invalid_argument("statistics", "there are no values");
  const auto count = static_cast<double>(values.size());
  double sum = 0.0;
  for (const double x : values) sum += x;
  const double mean = sum / count;
  double squares = 0.0;
  for (const double x : values) squares += (x - mean) * (x - mean);
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  return {.mean = mean,
          .std = values.size() == 1 ? 0.0 : std::sqrt(squares / (count - 1.0)),
          .least = *least,
          .greatest = *greatest,
          .count = values.size()};
}

}  // namespace rolewise::report
