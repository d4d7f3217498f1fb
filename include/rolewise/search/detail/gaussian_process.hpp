// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Gaussian process regression with a kernel that forgets over time.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

namespace rolewise::search::detail {

/// A point of the unit cube at a time; times are measured in steps.
struct timed_place {
  std::vector<double> at;
  double time = 0.0;
};

/// The posterior of a Gaussian process with prior mean 0 and variance 1, given noisy values:
///
///     k((x, t), (y, s)) = exp(-|x - y|^2 / (2 length^2)) * (1 - forgetting)^(|t - s| / 2)
///
/// Sums in double precision run in one order: equal input gives equal bits. n values cost n^3.
class gaussian_process {
 public:
  struct settings {
    double length = 1.0;      ///< length scale, above 0
    double forgetting = 0.0;  ///< in [0, 1); 0: independent of time
    double noise = 0.1;       ///< noise variance, above 0
  };

  gaussian_process(std::vector<timed_place> places, const std::vector<double>& values,
                   const settings& s)
      : places_{std::move(places)}, settings_{s}, lower_(places_.size() * places_.size())
  {
    factorize();
    whitened_ = solved(values);
    weights_ = whitened_;
    for (auto i = size(); i-- > 0;) {  // back substitution with the transposed factor
      for (auto j = i + 1; j < size(); ++j) weights_[i] -= lower(j, i) * weights_[j];
      weights_[i] /= lower(i, i);
    }
  }

  [[nodiscard]] double mean(const timed_place& where) const
  {
    double sum = 0.0;
    for (std::size_t i = 0; i < size(); ++i) sum += kernel(places_[i], where) * weights_[i];
    return sum;
  }

  /// The posterior variance of the latent function, without observation noise.
  [[nodiscard]] double variance(const timed_place& where) const
  {
    std::vector<double> known;
    for (const auto& place : places_) known.push_back(kernel(place, where));
    double rest = 1.0;
    for (const double z : solved(known)) rest -= z * z;
    return std::max(rest, 0.0);
  }

  /// The log marginal likelihood of the values.
  [[nodiscard]] double log_likelihood() const
  {
    double sum = -0.5 * static_cast<double>(size()) * std::log(2.0 * std::numbers::pi);
    for (std::size_t i = 0; i < size(); ++i)
      sum -= 0.5 * whitened_[i] * whitened_[i] + std::log(lower(i, i));
    return sum;
  }

 private:
  [[nodiscard]] std::size_t size() const { return places_.size(); }
  [[nodiscard]] double& lower(std::size_t i, std::size_t j) { return lower_[i * size() + j]; }
  [[nodiscard]] double lower(std::size_t i, std::size_t j) const { return lower_[i * size() + j]; }

  [[nodiscard]] double kernel(const timed_place& a, const timed_place& b) const
  {
    double squares = 0.0;
    for (std::size_t d = 0; d < a.at.size(); ++d)
      squares += (a.at[d] - b.at[d]) * (a.at[d] - b.at[d]);
    return std::exp(-squares / (2.0 * settings_.length * settings_.length)) *
           std::pow(1.0 - settings_.forgetting, std::abs(a.time - b.time) / 2.0);
  }

  /// Computes the Cholesky factor of the covariance of the values.
  void factorize()
  {
    for (std::size_t i = 0; i < size(); ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        double sum = kernel(places_[i], places_[j]) + (i == j ? settings_.noise : 0.0);
        for (std::size_t k = 0; k < j; ++k) sum -= lower(i, k) * lower(j, k);
        // The noise keeps the pivots above 0; the bound guards against rounding.
        lower(i, j) = i == j ? std::sqrt(std::max(sum, 1e-12)) : sum / lower(j, j);
      }
  }

  [[nodiscard]] std::vector<double> solved(std::vector<double> right) const
  {
    for (std::size_t i = 0; i < size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) right[i] -= lower(i, j) * right[j];
      right[i] /= lower(i, i);
    }
    return right;
  }

  std::vector<timed_place> places_;
  settings settings_;
  std::vector<double> lower_, whitened_, weights_;
};

/// The settings with the highest marginal likelihood among 48; the first of equals.
[[nodiscard]] inline gaussian_process::settings likeliest_settings(
    const std::vector<timed_place>& places, const std::vector<double>& values)
{
  gaussian_process::settings best{};
  double most = 0.0;
  bool is_first = true;
  const double diagonal =
      places.empty() ? 1.0 : std::sqrt(static_cast<double>(places[0].at.size()));
  for (const double share : {0.1, 0.2, 0.4, 0.8})
    for (const double forgetting : {0.0, 0.05, 0.2, 0.5})
      for (const double noise : {0.01, 0.1, 0.5}) {
        const gaussian_process::settings tried{share * diagonal, forgetting, noise};
        const double found = gaussian_process{places, values, tried}.log_likelihood();
        if (!is_first && !(found > most)) continue;
        best = tried;
        most = found;
        is_first = false;
      }
  return best;
}

}  // namespace rolewise::search::detail
