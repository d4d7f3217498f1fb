// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/measurement/rank_correlation.hpp>.

#include <rolewise/measurement/rank_correlation.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace rolewise::measurement::detail {

ROLEWISE_INLINE void require_pairs(std::string_view who, const std::vector<double>& x,
                                   const std::vector<double>& y)
{
  if (x.size() != y.size() || x.size() < 2)
    throw_invalid_argument(who, "got ", x.size(), " and ", y.size(),
                           " values, want as many of each, at least 2");
  const auto is_nan = [](double value) { return std::isnan(value); };
  if (std::any_of(x.begin(), x.end(), is_nan) || std::any_of(y.begin(), y.end(), is_nan))
    throw_invalid_argument(who, "got NaN, want values that can be ordered");
}

}  // namespace rolewise::measurement::detail

namespace rolewise::measurement {

ROLEWISE_INLINE std::vector<double> ranks_of(const std::vector<double>& values)
{
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double shared = static_cast<double>(begin + end + 1) / 2.0;
    for (auto i = begin; i < end; ++i) ranks[order[i]] = shared;
  }
  return ranks;
}

ROLEWISE_INLINE std::optional<double> pearson(const std::vector<double>& x,
                                              const std::vector<double>& y)
{
  detail::require_pairs("pearson", x, y);
  // In units of the largest distance, so that no square leaves the range of numbers.
  const auto centered = [](std::vector<double> values) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    const double low = *least, range = *most - *least;
    if (!std::isfinite(range))
      throw_invalid_argument("pearson", "got values from ", *least, " to ", *most,
                             ", want a finite range");
    double mean = 0.0;
    for (auto& value : values) {
      value = range > 0.0 ? (value - low) / range : 0.0;
      mean += value / static_cast<double>(values.size());
    }
    for (auto& value : values) value -= mean;
    return range > 0.0 ? values : std::vector<double>{};
  };
  const auto a = centered(x), b = centered(y);
  if (a.empty() || b.empty()) return std::nullopt;
  const auto product = [](const auto& u, const auto& v) {
    return std::inner_product(u.begin(), u.end(), v.begin(), 0.0);
  };
  return std::clamp(product(a, b) / std::sqrt(product(a, a) * product(b, b)), -1.0, 1.0);
}

ROLEWISE_INLINE std::optional<double> spearman(const std::vector<double>& x,
                                               const std::vector<double>& y)
{
  detail::require_pairs("spearman", x, y);
  const auto a = ranks_of(x), b = ranks_of(y);
  const double mean = static_cast<double>(x.size() + 1) / 2.0;
  double ab = 0.0, aa = 0.0, bb = 0.0;  // multiples of 1/4, so exact
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean) * (b[i] - mean);
    aa += (a[i] - mean) * (a[i] - mean);
    bb += (b[i] - mean) * (b[i] - mean);
  }
  if (aa == 0.0 || bb == 0.0) return std::nullopt;
  return ab / (std::sqrt(aa) * std::sqrt(bb));
}

ROLEWISE_INLINE std::optional<double> kendall_tau_b(const std::vector<double>& x,
                                                    const std::vector<double>& y)
{
  detail::require_pairs("kendall_tau_b", x, y);
  const auto order = [](double a, double b) { return (a < b ? 1 : 0) - (b < a ? 1 : 0); };
  std::int64_t agreement = 0, apart_in_x = 0, apart_in_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const int in_x = order(x[i], x[j]), in_y = order(y[i], y[j]);
      agreement += in_x * in_y;
      apart_in_x += in_x * in_x;
      apart_in_y += in_y * in_y;
    }
  if (apart_in_x == 0 || apart_in_y == 0) return std::nullopt;
  return static_cast<double>(agreement) /
         (std::sqrt(static_cast<double>(apart_in_x)) * std::sqrt(static_cast<double>(apart_in_y)));
}

}  // namespace rolewise::measurement
