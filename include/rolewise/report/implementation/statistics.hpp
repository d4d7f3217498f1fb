// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/statistics.hpp>.

#include <rolewise/report/statistics.hpp>

#include <rolewise/support/error.hpp>

#include <charconv>
#include <cmath>
#include <iterator>

namespace rolewise::report {

ROLEWISE_INLINE statistics statistics_of(const std::vector<double>& values)
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

ROLEWISE_INLINE std::string fixed_text(double value, int digits)
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

ROLEWISE_INLINE std::string spread_text(const statistics& of, int digits)
{
  const auto mean = fixed_text(of.mean, digits);
  return of.count < 2 ? mean : mean + " \u00B1 " + fixed_text(of.std, digits);
}

}  // namespace rolewise::report
