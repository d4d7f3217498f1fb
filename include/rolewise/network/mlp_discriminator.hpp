// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A discriminator of vectors: a multilayer perceptron that tells two sources apart.

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

/// Options of `mlp_discriminator`.
struct mlp_discriminator_options {
  std::int64_t hidden = 64;     ///< width of both hidden layers, above 0
  double slope = 0.2;           ///< of the leaky ReLU below 0
  rolewise::seed seed{0};       ///< of the first weights: uniform in +- 1 / sqrt(fan-in)
  bool begins_at_zero = false;  ///< whether the last layer's first weights are 0
};

/// Two hidden layers with leaky ReLU, and one number for each vector `[N, D]`: how much likelier it
/// is to be real, as a logit. A model for a `learner`.
class mlp_discriminator {
 public:
  /// @throws std::invalid_argument for sizes below 1
  explicit mlp_discriminator(std::int64_t size, const mlp_discriminator_options& options = {});

  /// @param x `[N, D]`, floating point
  /// @return `[N]`, in the dtype of the weights
  /// @throws std::invalid_argument for other sizes
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("hidden1.weight", *weight1_);
    archive.parameter("hidden1.bias", *bias1_);
    archive.parameter("hidden2.weight", *weight2_);
    archive.parameter("hidden2.bias", *bias2_);
    archive.parameter("last.weight", *weight3_);
    archive.parameter("last.bias", *bias3_);
  }
  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("size", size_);
    archive.show("options", options_);
  }

 private:
  std::int64_t size_;
  mlp_discriminator_options options_;
  owned_tensor weight1_, bias1_, weight2_, bias2_, weight3_, bias3_;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/mlp_discriminator.hpp>
#endif
