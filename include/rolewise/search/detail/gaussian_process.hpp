// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Gaussian process regression with a kernel that forgets over time.

#include <rolewise/core/tensor.hpp>
#include <rolewise/search/detail/decompositions.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <ATen/ops/pow.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise::search::detail {

/// A point of the unit cube at a time; times are measured in steps.
struct timed_place {
  std::vector<double> at;
  double time = 0.0;
};

[[nodiscard]] ROLEWISE_INLINE double squared_distance(const timed_place& a, const timed_place& b);

/// Squared distances and distances in time of n places.
struct place_distances {
  torch::Tensor squares, times;  ///< `[n, n]`, float64

  explicit place_distances(const std::vector<timed_place>& places);

  [[nodiscard]] torch::Tensor nearness(double length) const
  {
    return (squares * (-1.0 / (2.0 * length * length))).exp_();
  }
  [[nodiscard]] torch::Tensor memory(double forgetting) const
  {
    return at::pow(1.0 - forgetting, times * 0.5);
  }
};

/// The posterior of a Gaussian process with prior mean 0 and variance 1, given noisy values:
///
///     k((x, t), (y, s)) = exp(-|x - y|^2 / (2 length^2)) * (1 - forgetting)^(|t - s| / 2)
///
/// In double precision on one thread: equal input gives equal bits on equal processors. n values
/// cost n^3.
class gaussian_process {
 public:
  struct settings {
    double length = 1.0;      ///< length scale, above 0
    double forgetting = 0.0;  ///< in [0, 1); 0: independent of time
    double noise = 0.1;       ///< noise variance, above 0
  };

  gaussian_process(std::vector<timed_place> places, const std::vector<double>& values,
                   const settings& s);

  /// The prior covariances of a point with the places, in their order.
  [[nodiscard]] std::vector<double> covariances(const timed_place& where) const;

  /// @param known `covariances` of the point; further ones are not read
  [[nodiscard]] double mean(const std::vector<double>& known) const;

  /// The posterior variance of the latent function, without observation noise.
  /// @param known as for `mean`
  [[nodiscard]] double variance(const std::vector<double>& known) const;

 private:
  [[nodiscard]] std::size_t size() const { return places_.size(); }

  [[nodiscard]] static std::vector<double> numbers_of(const torch::Tensor& t);

  [[nodiscard]] double kernel(const timed_place& a, const timed_place& b) const;

  std::vector<timed_place> places_;
  settings settings_;
  std::vector<double> columns_;  ///< of the inverse of the Cholesky factor of the covariance
  std::vector<double> weights_;
};

/// The log marginal likelihoods of values under normal distributions of mean 0.
/// @param covariances `[*, n, n]`, float64
/// @param values `[n]`, float64
/// @return `[*]`
[[nodiscard]] ROLEWISE_INLINE torch::Tensor log_likelihoods(const torch::Tensor& covariances,
                                                            const torch::Tensor& values);

/// The settings with the highest marginal likelihood among 48; the first of equals.
[[nodiscard]] ROLEWISE_INLINE gaussian_process::settings likeliest_settings(
    const std::vector<timed_place>& places, const std::vector<double>& values);

}  // namespace rolewise::search::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/detail/implementation/gaussian_process.hpp>
#endif
