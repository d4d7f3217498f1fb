// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/detail/covariance_adaptation.hpp>.

#include <rolewise/search/detail/covariance_adaptation.hpp>

#include <ATen/ops/eye.h>

namespace rolewise::search::detail {

ROLEWISE_INLINE covariance_adaptation::covariance_adaptation(std::size_t dimensions,
                                                             std::size_t offspring, double step)
    : n_{dimensions},
      mean_(dimensions, 0.5),
      step_{step},
      step_path_(dimensions, 0.0),
      shape_path_(dimensions, 0.0),
      shape_{at::eye(static_cast<std::int64_t>(dimensions), torch::kDouble)},
      roots_{roots_of(shape_, least_variance)}
{
  const auto parents = offspring / 2;
  double sum = 0.0, squares = 0.0;
  for (std::size_t i = 1; i <= parents; ++i)
    weights_.push_back(std::log((static_cast<double>(offspring) + 1.0) / 2.0) -
                       std::log(static_cast<double>(i)));
  for (const double w : weights_) sum += w;
  for (double& w : weights_) {
    w /= sum;
    squares += w * w;
  }
  mass_ = 1.0 / squares;
  const auto n = static_cast<double>(n_);
  step_rate_ = (mass_ + 2.0) / (n + mass_ + 5.0);
  damping_ = 1.0 + 2.0 * std::max(0.0, std::sqrt((mass_ - 1.0) / (n + 1.0)) - 1.0) + step_rate_;
  path_rate_ = (4.0 + mass_ / n) / (n + 4.0 + 2.0 * mass_ / n);
  one_rate_ = 2.0 / ((n + 1.3) * (n + 1.3) + mass_);
  many_rate_ = std::min(1.0 - one_rate_,
                        2.0 * (mass_ - 2.0 + 1.0 / mass_) / ((n + 2.0) * (n + 2.0) + mass_));
  expected_length_ = std::sqrt(n) * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));
}

ROLEWISE_INLINE covariance_adaptation::vector covariance_adaptation::draw(const draws& from) const
{
  vector x = mean_;
  for (std::size_t j = 0; j < n_; ++j) add_row(roots_.root, j, step_ * from.normal(j), x);
  return x;
}

ROLEWISE_INLINE void covariance_adaptation::update(const std::vector<vector>& best)
{
  ++generation_;
  vector moved(n_, 0.0);  // shift of the mean, in units of the step size
  for (std::size_t k = 0; k < weights_.size(); ++k)
    for (std::size_t i = 0; i < n_; ++i) moved[i] += weights_[k] * (best[k][i] - mean_[i]) / step_;
  const bool is_short = follow(moved);
  reshape(best, is_short);
  for (std::size_t i = 0; i < n_; ++i) mean_[i] += step_ * moved[i];
  step_ *= std::exp(step_rate_ / damping_ * (length(step_path_) / expected_length_ - 1.0));
  roots_ = roots_of(shape_, least_variance);
}

ROLEWISE_INLINE void covariance_adaptation::add_row(const torch::Tensor& matrix, std::size_t row,
                                                    double factor, vector& to) const
{
  const double* const values = matrix.const_data_ptr<double>() + row * n_;
  for (std::size_t i = 0; i < n_; ++i) to[i] += values[i] * factor;
}

ROLEWISE_INLINE bool covariance_adaptation::follow(const vector& moved)
{
  const double kept = 1.0 - step_rate_;
  const double added = std::sqrt(step_rate_ * (2.0 - step_rate_) * mass_);
  for (double& p : step_path_) p *= kept;
  for (std::size_t j = 0; j < n_; ++j)  // times C^(-1/2)
    add_row(roots_.inverse, j, added * moved[j], step_path_);
  const double settled = std::sqrt(1.0 - std::pow(kept, 2.0 * static_cast<double>(generation_)));
  const double longest = (1.4 + 2.0 / (static_cast<double>(n_) + 1.0)) * expected_length_;
  const bool is_short = length(step_path_) / settled < longest;
  const double share = is_short ? std::sqrt(path_rate_ * (2.0 - path_rate_) * mass_) : 0.0;
  for (std::size_t i = 0; i < n_; ++i)
    shape_path_[i] = (1.0 - path_rate_) * shape_path_[i] + share * moved[i];
  return is_short;
}

ROLEWISE_INLINE void covariance_adaptation::reshape(const std::vector<vector>& best, bool is_short)
{
  const double lost = is_short ? 0.0 : one_rate_ * path_rate_ * (2.0 - path_rate_);
  const double kept = 1.0 + lost - one_rate_ - many_rate_;
  auto next = at::empty_like(shape_);  // not in place: a copy may have the old one
  const double* before = shape_.const_data_ptr<double>();
  double* after = next.mutable_data_ptr<double>();
  for (std::size_t i = 0; i < n_; ++i)
    for (std::size_t j = 0; j < n_; ++j) {
      double sum = kept * *before++ + one_rate_ * shape_path_[i] * shape_path_[j];
      for (std::size_t k = 0; k < weights_.size(); ++k)
        sum += many_rate_ * weights_[k] * (best[k][i] - mean_[i]) * (best[k][j] - mean_[j]) /
               (step_ * step_);
      *after++ = sum;
    }
  shape_ = std::move(next);
}

}  // namespace rolewise::search::detail
