// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A learned projection of feature maps to another number of channels, through a bottleneck.

#include <rolewise/core/phase.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/network/batch_norm.hpp>
#include <rolewise/network/convolution.hpp>
#include <rolewise/network/layered.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <utility>

namespace rolewise {

/// The shape of a `bottleneck_projector`.
struct bottleneck_shape {
  std::int64_t in = 0;         ///< channels of the map
  std::int64_t out = 0;        ///< channels of the projection
  std::int64_t reduction = 2;  ///< r: the bottleneck has out / r channels

  [[nodiscard]] constexpr std::int64_t middle() const { return out / reduction; }
};

/// Projects maps `[N, I, H, W]` to rectified maps `[N, O, H, W]`: three convolutions without bias,
/// 1x1 to O / r channels, 3x3, and 1x1 to O channels, each with batch norm and ReLU. A copy is
/// deep. It computes in single precision.
///
/// I O / r + 9 (O / r)^2 + O^2 / r weights, and 4 O / r + 2 O of batch norm.
/// @par Determinism
/// The first weights are a function of the seed and the shape: uniform in +- 1 / sqrt(fan-in),
/// LibTorch's default.
/// @par Source
/// Chen, Mei, Zhang, Wang, Feng, Chen: Knowledge Distillation with the Reused Teacher Classifier,
/// 2022, arXiv:2203.14001, section 3.2 and the authors' code (DefangChen/SimKD).
class bottleneck_projector : public layered<bottleneck_projector> {
 public:
  /// @throws std::invalid_argument unless all numbers of channels are above 0
  bottleneck_projector(const bottleneck_shape& shape, seed key);

  bottleneck_projector(const bottleneck_projector& other);
  bottleneck_projector& operator=(const bottleneck_projector& other);
  bottleneck_projector(bottleneck_projector&&) noexcept = default;
  bottleneck_projector& operator=(bottleneck_projector&&) noexcept = default;
  ~bottleneck_projector() = default;

  /// @param maps `[N, I, H, W]`, floating point
  /// @return `[N, O, H, W]`, at least 0; in `phase::evaluation` nothing is changed
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& maps, phase when);

  [[nodiscard]] const bottleneck_shape& shape() const noexcept { return shape_; }

  void to(torch::Device device);

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("convolution1", self.convolution1_, "batch_norm1", self.batch_norm1_);
    f("convolution2", self.convolution2_, "batch_norm2", self.batch_norm2_);
    f("convolution3", self.convolution3_, "batch_norm3", self.batch_norm3_);
  }

 private:
  void detach_from_original();

  bottleneck_shape shape_;
  convolution<no_quantizer> convolution1_, convolution2_, convolution3_;
  batch_norm batch_norm1_, batch_norm2_, batch_norm3_;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/bottleneck_projector.hpp>
#endif
