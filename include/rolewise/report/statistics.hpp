// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Summary statistics: mean, standard deviation, least and greatest value; numbers as text.

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <iterator>
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

/// A number with this many digits after the point, whatever the locale; `-` if it is not finite.
/// @throws std::invalid_argument for digits outside 0 .. 17
[[nodiscard]] inline std::string fixed_text(double value, int digits)
{
  if (digits < 0 || digits > 17)
    throw_invalid_argument("fixed_text", "want 0 to 17 digits, got ", digits);
  if (!std::isfinite(value)) return "-";
  char text[340];  // 309 digits before the point, 17 after it, sign and point
  const auto end =
      std::to_chars(std::begin(text), std::end(text), value, std::chars_format::fixed, digits);
  const std::string_view written{text, static_cast<std::size_t>(end.ptr - text)};
  const bool is_zero = written.find_first_not_of("-0.") == std::string_view::npos;
  return std::string{is_zero && written.front() == '-' ? written.substr(1) : written};
}

/// `92.13 +- 0.21` with U+00B1: mean and standard deviation; the mean alone for one value.
[[nodiscard]] inline std::string spread_text(const statistics& of, int digits)
{
  const auto mean = fixed_text(of.mean, digits);
  return of.count < 2 ? mean : mean + " \u00B1 " + fixed_text(of.std, digits);
}

}  // namespace rolewise::report
