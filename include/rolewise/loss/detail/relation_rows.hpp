// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// RKD by kernels: distances and angles of the rows of a batch.
///
/// Only function bodies include it.

#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/detail/fused_loss.hpp>
#include <rolewise/loss/detail/kernels/variants.hpp>
#include <rolewise/loss/detail/logit_rows.hpp>
#include <rolewise/loss/detail/relations.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// `relational_kd` by kernels. The forward pass computes the gradient with respect to the student's
/// distances, too.
class relation_rows : public fused_loss {
 public:
  relation_rows(const feature_rows& rows, double distance_weight, double angle_weight)
      : weights_{rows.weights},
        count_{rows.count},
        distance_weight_{distance_weight},
        angle_weight_{angle_weight},
        n_{static_cast<std::size_t>(rows.student.size(0))},
        examples_{static_cast<double>(n_)}
  {
    if (!weights_.defined()) return;
    weights_ = weights_.contiguous();
    weight_ = weights_.const_data_ptr<float>();
    examples_ = std::max(count_.item<double>(), 1.0);
  }

  [[nodiscard]] double forward(const torch::Tensor& student, const torch::Tensor& teacher) override
  {
    const auto own = distances_of(student), others = distances_of(teacher);
    pull_.assign(n_ * n_, 0.0F);
    double value = 0.0;
    if (distance_weight_ != 0.0) value += distance_weight_ * relate_distances(own, others);
    if (angle_weight_ != 0.0) value += angle_weight_ * relate_angles(own, others);
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        auto &one = pull_[i * n_ + j], &other = pull_[j * n_ + i];
        const float d = own[i * n_ + j], sum = one + other;
        one = other = d > 0.0F ? sum / d : 0.0F;
      }
    return value;
  }

  void backward(const torch::Tensor& student, const torch::Tensor&, double upstream,
                const torch::Tensor& to) const override
  {
    const auto width = static_cast<std::size_t>(student.size(1));
    const auto* const x = student.const_data_ptr<float>();
    auto* const out = to.mutable_data_ptr<float>();
    each_row(student.size(0), student.numel(), [&](std::int64_t row) {
      const auto i = static_cast<std::size_t>(row);
      float* const here = out + i * width;
      loss_kernels::best().pull(x, n_, width, i, pull_.data() + i * n_, here);
      for (std::size_t d = 0; d < width; ++d) here[d] *= static_cast<float>(upstream);
    });
  }

  [[nodiscard]] torch::Tensor by_tensors(const torch::Tensor& student,
                                         const torch::Tensor& teacher) const override
  {
    return relations_by_tensors({teacher, student, weights_, count_}, distance_weight_,
                                angle_weight_);
  }

 private:
  [[nodiscard]] double weight(std::size_t i) const
  {
    return weight_ == nullptr ? 1.0 : static_cast<double>(weight_[i]);
  }

  [[nodiscard]] std::vector<float> distances_of(const torch::Tensor& features) const
  {
    std::vector<float> found(n_ * n_);
    const auto* const x = features.const_data_ptr<float>();
    const auto width = static_cast<std::size_t>(features.size(1));
    each_row(features.size(0), features.numel(), [&](std::int64_t row) {
      const auto i = static_cast<std::size_t>(row);
      loss_kernels::best().distances(x, n_, width, i, found.data() + i * n_);
    });
    return found;
  }

  /// The mean distance, and the sum of the weights of pairs apart.
  [[nodiscard]] std::pair<double, double> mean_distance(const std::vector<float>& d) const
  {
    double sum = 0.0, counted = 0.0;
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j < n_; ++j) {
        const double distance = d[i * n_ + j], by = weight(i) * weight(j);
        sum += by * distance;
        counted += distance > 0.0 ? by : 0.0;
      }
    return {counted == 0.0 ? 1.0 : sum / counted, counted == 0.0 ? 1.0 : counted};
  }

  [[nodiscard]] double relate_distances(const std::vector<float>& own,
                                        const std::vector<float>& others)
  {
    const auto [mean, counted] = mean_distance(own);
    const double mean_of_others = mean_distance(others).first, pairs = examples_ * examples_;
    std::vector<double> slopes(n_ * n_);
    double value = 0.0, by_mean = 0.0;
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j < n_; ++j) {
        const auto at = i * n_ + j;
        const double relative = own[at] / mean, apart = relative - others[at] / mean_of_others;
        const double slope = std::clamp(apart, -1.0, 1.0), by = weight(i) * weight(j);
        value += by * (apart - slope / 2) * slope;
        by_mean += by * slope * relative;
        slopes[at] = slope;
      }
    const double factor = distance_weight_ / (pairs * mean);
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j < n_; ++j)
        pull_[i * n_ + j] += static_cast<float>(factor * weight(i) * weight(j) *
                                                (slopes[i * n_ + j] - by_mean / counted));
    return value / pairs;
  }

  /// Distances as shares of the largest one: see `angle_function::lengths`.
  struct shares {
    double largest;
    std::vector<float> share, square, inverse;

    explicit shares(const std::vector<float>& d)
        : largest{*std::max_element(d.begin(), d.end())},
          share(d.size()),
          square(d.size()),
          inverse(d.size())
    {
      const auto most = static_cast<float>(largest == 0.0 ? 1.0 : largest);
      for (std::size_t i = 0; i < d.size(); ++i) {
        share[i] = d[i] / most;
        square[i] = share[i] * share[i];
        inverse[i] = share[i] <= std::numeric_limits<float>::epsilon() ? 0.0F : 1.0F / share[i];
      }
    }
    [[nodiscard]] loss_kernels::lengths lengths() const { return {square.data(), inverse.data()}; }
  };

  [[nodiscard]] double relate_angles(const std::vector<float>& own,
                                     const std::vector<float>& others)
  {
    const shares student{own}, teacher{others};
    std::vector<float> by_side(n_ * n_), by_opposite(n_ * n_), by_inverse(n_ * n_);
    std::vector<double> values(n_);
    const auto n = static_cast<std::int64_t>(n_);
    each_row(n, n * n, [&](std::int64_t row) {
      const auto j = static_cast<std::size_t>(row), at = j * n_;
      values[j] = loss_kernels::best().angles(student.lengths(), teacher.lengths(), weight_, n_, j,
                                              by_side.data() + at, by_opposite.data() + at,
                                              by_inverse.data() + at);
    });
    double value = 0.0;
    for (const double each : values) value += each;
    const double triples = examples_ * examples_ * examples_;
    const double factor =
        2.0 * angle_weight_ / (triples * (student.largest == 0.0 ? 1.0 : student.largest));
    for (std::size_t at = 0; at < n_ * n_; ++at) {
      const double by_square = by_side[at] - 0.5 * by_opposite[at];
      pull_[at] +=
          static_cast<float>(factor * (by_square * student.share[at] -
                                       static_cast<double>(by_inverse[at]) * student.inverse[at]));
    }
    return value / triples;
  }

  torch::Tensor weights_, count_;
  double distance_weight_, angle_weight_;
  std::size_t n_;
  double examples_;  ///< those that count
  const float* weight_ = nullptr;
  /// Gradients with respect to distances; at the end of the forward pass over the distance, which
  /// is the weight of the difference of a pair in the gradient.
  std::vector<float> pull_;
};

}  // namespace rolewise::detail
