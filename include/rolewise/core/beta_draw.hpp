// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Random draws from the beta distribution, as functions of counter-based draws.

#include <rolewise/core/draws.hpp>

#include <cmath>
#include <cstdint>

namespace rolewise {

namespace detail {

/// Uniform in (0, 1), 52 bits; uses the draws i and i + 1.
[[nodiscard]] inline double fine_uniform(const draws& of, std::uint64_t i)
{
  const auto bits = (std::uint64_t{of.bits(i)} << 20) | (of.bits(i + 1) >> 12);
  return (static_cast<double>(bits) + 0.5) * 0x1p-52;
}

/// Logarithm of a draw from the gamma distribution with a shape above 0 and scale 1. Uses the
/// draws from `first` on, eight per rejection attempt (at most 1.05 attempts on average).
[[nodiscard]] inline double log_gamma_draw(const draws& of, double shape, std::uint64_t first)
{
  // For a shape below 1: a draw with shape + 1, times U^(1 / shape) with U uniform. Computed as a
  // logarithm, since the power may underflow a double.
  const bool lifted = shape < 1.0;
  const double d = (lifted ? shape + 1.0 : shape) - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  const double lift = lifted ? std::log(fine_uniform(of, first + 4)) / shape : 0.0;
  for (std::uint64_t at = first;; at += 8) {
    const double x = of.normal(at / 2);
    const double root = 1.0 + c * x;
    if (root <= 0.0) continue;
    const double v = root * root * root;
    if (std::log(fine_uniform(of, at + 2)) < 0.5 * x * x + d * (1.0 - v + std::log(v)))
      return std::log(d * v) + lift;
  }
}

}  // namespace detail

/// A draw from Beta(a, b), in [0, 1]; a, b > 0. A function of (seed, epoch, id, a, b): made from
/// two gamma draws, each by rejection over its own range of draws (numbers 0 .. and 2^30 ..).
///
/// @pre a and b are above 0 and finite, unchecked
/// @par Source
/// Marsaglia, Tsang: A simple method for generating gamma variables, ACM TOMS 26 (3), 2000.
[[nodiscard]] inline double beta_draw(const draws& of, double a, double b)
{
  const double x = detail::log_gamma_draw(of, a, 0);
  const double y = detail::log_gamma_draw(of, b, std::uint64_t{1} << 30);
  return 1.0 / (1.0 + std::exp(y - x));
}

}  // namespace rolewise
