// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Batch normalisation.

#include <rolewise/core/error.hpp>
#include <rolewise/core/phase.hpp>
#include <rolewise/core/tensor.hpp>

#include <ATen/Context.h>

#include <cstdint>

namespace rolewise {

struct batch_norm_options {
  double momentum = 0.1;  ///< weight of the newest batch in the running statistics
  double epsilon = 1e-5;  ///< added to the variance
};

/// Per channel: (x - mean) / sqrt(variance + epsilon) * weight + bias.
///
/// In training mean and variance are those of the batch, and the running ones move towards them
/// (with the unbiased variance); in evaluation they are the running ones. All four tensors are at
/// least single precision, also where the input has 16 bits.
///
/// @par Source
/// Ioffe, Szegedy: Batch Normalization: Accelerating Deep Network Training by Reducing Internal
/// Covariate Shift, 2015, arXiv:1502.03167.
class batch_norm {
 public:
  explicit batch_norm(std::int64_t channels, batch_norm_options options = {})
      : weight_{torch::ones(channels).set_requires_grad(true)},
        bias_{torch::zeros(channels).set_requires_grad(true)},
        running_mean_{torch::zeros(channels)},
        running_variance_{torch::ones(channels)},
        options_{options}
  {}

  /// @throws std::invalid_argument in training on a single value per channel, which has no variance
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, phase when)
  {
    const bool training = when == phase::training;
    if (training && x.numel() == x.size(1))
      refuse("batch_norm", "want more than one value per channel in training, got ", x.sizes());
    return at::batch_norm(x, weight_, bias_, running_mean_, running_variance_, training,
                          options_.momentum, options_.epsilon,
                          at::globalContext().userEnabledCuDNN());
  }

  /// What evaluation multiplies each channel with, `[C]`; without a graph.
  [[nodiscard]] torch::Tensor factor() const
  {
    return weight_.detach() * (running_variance_ + options_.epsilon).rsqrt();
  }
  /// What evaluation then adds, `[C]`.
  [[nodiscard]] torch::Tensor shift() const { return bias_.detach() - running_mean_ * factor(); }

  void cast(torch::ScalarType type)
  {
    if (c10::isReducedFloatingType(type)) type = torch::kFloat;
    for (auto* t : {&weight_, &bias_, &running_mean_, &running_variance_})
      *t = t->detach().to(type).set_requires_grad(t->requires_grad());
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", weight_);
    archive.parameter("bias", bias_);
    archive.buffer("running_mean", running_mean_);
    archive.buffer("running_variance", running_variance_);
  }

 private:
  torch::Tensor weight_, bias_, running_mean_, running_variance_;
  batch_norm_options options_;
};

}  // namespace rolewise
