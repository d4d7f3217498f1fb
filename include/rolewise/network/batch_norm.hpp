// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Batch normalization with running statistics, optionally folded into the preceding convolution.

#include <rolewise/core/phase.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/network/detail/deferred_batch_norm.hpp>
#include <rolewise/network/detail/trace.hpp>
#include <rolewise/support/inline.hpp>

#include <ATen/Context.h>
#include <ATen/ops/batch_norm.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise {

/// Options of a batch normalization.
struct batch_norm_options {
  double momentum = 0.1;  ///< weight of the newest batch in the running statistics
  double epsilon = 1e-5;  ///< added to the variance
  /// Folded into the preceding convolution, where there is one: see `network_options`.
  bool folded = false;
};

/// Batch normalization, per channel: (x - mean) / sqrt(variance + epsilon) * weight + bias.
///
/// In training, mean and variance are those of the batch, and the running statistics are an
/// exponential moving average of them (with the unbiased variance); in evaluation they are the
/// running statistics. In `phase::statistics` the running statistics become mean and unbiased
/// variance of all values of all batches. All four tensors are at least single precision, also
/// where the input has 16 bits.
///
/// @par Source
/// Ioffe, Szegedy: Batch Normalization: Accelerating Deep Network Training by Reducing Internal
/// Covariate Shift, 2015, arXiv:1502.03167.
///
/// @par Folded
/// The preceding convolution multiplies each of its filters by f and quantizes the product. r^2
/// is the running variance + epsilon and m the running mean; mu and s^2 are mean and variance +
/// epsilon of the batch; * is a convolution:
///
///     f = weight / r
///     evaluation:  y = Q(f w) * x + (bias - m f)
///     training:    y = (Q(f w) * x) r / s + (bias - mu weight / s)
///
/// mu and s^2 are those of w * x with full-precision weights, a second convolution; the running
/// statistics are updated from them too. The gradient of y flows through both convolutions, mu
/// and s; r and m are constants, with their values before the batch. Where Q changes nothing,
/// this is batch norm. Source: Jacob et al.: Quantization and Training of Neural Networks for
/// Efficient Integer-Arithmetic-Only Inference, 2017, arXiv:1712.05877, section 3.2, for the
/// statistics; Krishnamoorthi: Quantizing deep convolutional networks for efficient inference: A
/// whitepaper, 2018, arXiv:1806.08342, section 3.2.2, for folding by running statistics and
/// undoing it after the convolution, so that filters are quantized as in evaluation.
class batch_norm {
 public:
  explicit batch_norm(std::int64_t channels, batch_norm_options options = {})
      : weight_{at::ones(channels, torch::kFloat).set_requires_grad(true)},
        bias_{at::zeros(channels, torch::kFloat).set_requires_grad(true)},
        running_mean_{at::zeros(channels, torch::kFloat)},
        running_variance_{at::ones(channels, torch::kFloat)},
        options_{options}
  {}

  /// @throws std::invalid_argument on a single value per channel, which has no variance, except
  ///         in evaluation and calibration
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, phase when)
  {
    return pending(x, when).tensor();
  }

  /// The same, deferred if it can be fused with the operation that follows. The running
  /// statistics are updated at once.
  [[nodiscard]] detail::deferred_batch_norm pending(const torch::Tensor& x, phase when);

  [[nodiscard]] detail::traced_map pending(const detail::traced_map& x, phase) const
  {
    return x.through(detail::folded_normalization{x.of().name_of(this), factor(), shift()});
  }

  /// Discards the moments of `phase::statistics`: the next batch is the first. The running
  /// statistics are unchanged until then.
  void restart_statistics() { seen_ = {}; }

  /// The factor of each channel in evaluation, `[C]`; detached.
  [[nodiscard]] torch::Tensor factor() const
  {
    return weight_.detach() * (running_variance_ + options_.epsilon).rsqrt();
  }
  /// The shift of each channel in evaluation, added after the factor, `[C]`; detached.
  [[nodiscard]] torch::Tensor shift() const { return bias_.detach() - running_mean_ * factor(); }

  /// Whether this batch norm is folded into the weights of the preceding convolution.
  [[nodiscard]] bool is_folded() const { return options_.folded; }
  /// `factor()` with a gradient for the weight: f.
  [[nodiscard]] torch::Tensor folding() const
  {
    return weight_ * (running_variance_ + options_.epsilon).rsqrt();
  }
  /// Evaluation on the output of a convolution with folded weights: adds the shift, in place.
  [[nodiscard]] torch::Tensor of_folded(torch::Tensor y) const
  {
    return y.add_(beside_channels(bias_ - running_mean_ * folding(), y));
  }
  /// The same in other phases, from the outputs of the convolution with folded, quantized weights
  /// and with full-precision weights.
  [[nodiscard]] torch::Tensor of_folded(const torch::Tensor& y, const torch::Tensor& unfolded,
                                        phase when);

  void cast(torch::ScalarType type);

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", weight_);
    archive.parameter("bias", bias_);
    archive.buffer("running_mean", running_mean_);
    archive.buffer("running_variance", running_variance_);
  }

 private:
  [[nodiscard]] bool has_kernels_for(const torch::Tensor& x) const;

  [[nodiscard]] bool wants_gradient(const torch::Tensor& x) const;

  [[nodiscard]] detail::deferred_batch_norm by_kernels(const torch::Tensor& x);
  [[nodiscard]] detail::deferred_batch_norm by_running_statistics(const torch::Tensor& x) const;

  /// Moments of all values since `restart_statistics`, per channel, in double precision.
  struct moments {
    double count = 0.0;
    torch::Tensor mean, squares;  ///< squares: sum of squared deviations from the mean
  };

  /// All axes except the channel axis.
  [[nodiscard]] static std::vector<std::int64_t> axes_of(const torch::Tensor& x);
  /// `[C]` reshaped to broadcast over x, in its dtype.
  [[nodiscard]] static torch::Tensor beside_channels(const torch::Tensor& each,
                                                     const torch::Tensor& x);
  static void require_values(const torch::Tensor& x);
  /// A running statistic for LibTorch to move, by a handle with its own version: the backward pass
  /// of a training batch keeps it without reading it, so later batches may move it. A backward
  /// pass that does read it, of evaluation, is told.
  [[nodiscard]] static torch::Tensor moved(const torch::Tensor& running);

  /// Merges a batch into the moments; the moments of two sets give those of their union (Chan,
  /// Golub, LeVeque: Updating formulae and a pairwise algorithm, 1979).
  void pool(const torch::Tensor& x);

  torch::Tensor weight_, bias_, running_mean_, running_variance_;
  batch_norm_options options_;
  moments seen_;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/batch_norm.hpp>
#endif
