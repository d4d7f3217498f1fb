// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Layer normalization.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

/// Layer normalization over the last axis: (x - mean) / sqrt(variance + epsilon) * weight + bias,
/// with mean and (biased) variance of each vector. It has no running statistics, is the same in
/// every phase, and is never quantized. Weight and bias are at least single precision.
///
/// @par Source
/// Ba, Kiros, Hinton: Layer Normalization, 2016, arXiv:1607.06450.
class layer_norm {
 public:
  /// @param width size of the last axis
  explicit layer_norm(std::int64_t width, double epsilon = 1e-5)
      : weight_{at::ones(width, torch::kFloat).set_requires_grad(true)},
        bias_{at::zeros(width, torch::kFloat).set_requires_grad(true)},
        epsilon_{epsilon}
  {}

  /// @param x `[..., D]`, in the dtype of the weight
  /// @throws std::invalid_argument for another D
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x) const;

  void cast(torch::ScalarType type);

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", weight_);
    archive.parameter("bias", bias_);
  }

 private:
  torch::Tensor weight_, bias_;
  double epsilon_;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/layer_norm.hpp>
#endif
