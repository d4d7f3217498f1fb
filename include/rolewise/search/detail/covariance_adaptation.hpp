// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The sampling distribution of CMA-ES and its update.

#include <rolewise/core/draws.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/search/detail/decompositions.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise::search::detail {

/// The state of a covariance matrix adaptation evolution strategy (CMA-ES), with the constants of
/// Hansen's tutorial (table 1, without negative weights).
class covariance_adaptation {
 public:
  using vector = std::vector<double>;

  /// @param offspring per generation, at least 2
  covariance_adaptation(std::size_t dimensions, std::size_t offspring, double step);

  /// A draw from the distribution.
  [[nodiscard]] vector draw(const draws& from) const;

  /// Updates mean, step size, covariance and evolution paths from one generation.
  /// @param best the better half of the samples, best first; as many as there are weights
  void update(const std::vector<vector>& best);

  [[nodiscard]] std::size_t parents() const { return weights_.size(); }
  [[nodiscard]] const vector& weights() const { return weights_; }
  [[nodiscard]] const vector& mean() const { return mean_; }
  [[nodiscard]] double step() const { return step_; }
  /// The covariance, before the step size: `[n, n]`, float64.
  [[nodiscard]] const torch::Tensor& shape() const { return shape_; }

 private:
  static constexpr double least_variance = 1e-20;

  /// Adds the row of a symmetric matrix, which is its column, times a factor.
  void add_row(const torch::Tensor& matrix, std::size_t row, double factor, vector& to) const;
  [[nodiscard]] static double length(const vector& x)
  {
    double sum = 0.0;
    for (const double v : x) sum += v * v;
    return std::sqrt(sum);
  }

  /// Updates both evolution paths.
  /// @return h_sigma: whether the step-size path is short enough for the covariance path to
  ///         advance
  [[nodiscard]] bool follow(const vector& moved);

  /// The rank-one and rank-mu update of the covariance; `mean_` and `step_` still have the values
  /// that the samples were drawn with.
  void reshape(const std::vector<vector>& best, bool is_short);

  std::size_t n_;
  vector weights_, mean_;
  double mass_ = 1.0, step_;
  double step_rate_ = 0.0, damping_ = 1.0, path_rate_ = 0.0, one_rate_ = 0.0, many_rate_ = 0.0;
  double expected_length_ = 1.0;
  vector step_path_, shape_path_;
  torch::Tensor shape_;
  symmetric_roots roots_;
  std::int64_t generation_ = 0;
};

}  // namespace rolewise::search::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/detail/implementation/covariance_adaptation.hpp>
#endif
