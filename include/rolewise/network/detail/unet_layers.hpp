// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The layers of a U-Net: two convolutions, and the transposed convolution between levels.

#include <rolewise/network/detail/layer_factory.hpp>
#include <rolewise/network/layered.hpp>

#include <ATen/ops/pixel_shuffle.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace rolewise::detail {

/// Two 3x3 convolutions, each with batch norm and ReLU, and the quantizers of what enters them; the
/// first block of a network reads images, which are not quantized.
template<Quantizer Q>
struct unet_block : layered<unet_block<Q>> {
  std::optional<activation<Q>> input;
  convolution<Q> convolution1;
  rolewise::batch_norm batch_norm1;
  activation<Q> inner;
  convolution<Q> convolution2;
  rolewise::batch_norm batch_norm2;

  unet_block(const layer_factory<Q>& make, const std::string& name, std::int64_t in,
             std::int64_t out, bool is_first)
      : convolution1{make.convolution(name + ".convolution1", {.in = in, .out = out})},
        batch_norm1{make.batch_norm(out)},
        inner{make.activation(name + ".convolution2")},
        convolution2{make.convolution(name + ".convolution2", {.in = out, .out = out})},
        batch_norm2{make.batch_norm(out)}
  {
    if (!is_first) input.emplace(make.activation(name + ".convolution1"));
  }

  /// @param x rectified, or images
  /// @return before the last ReLU
  [[nodiscard]] deferred_batch_norm operator()(const torch::Tensor& x, phase when)
  {
    auto y = convolution1.normalized(input ? input->of_rectified(x, when) : unquantized<Q>(x),
                                     batch_norm1, when);
    return convolution2.normalized(inner.rectify(std::move(y), when), batch_norm2, when);
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    if (self.input) f("input", *self.input);
    f("convolution1", self.convolution1, "batch_norm1", self.batch_norm1);
    f("inner", self.inner);
    f("convolution2", self.convolution2, "batch_norm2", self.batch_norm2);
  }
};

/// Transposed convolution, 2x2 of stride 2, with bias: each pixel becomes 2 x 2. As they do not
/// overlap, it is a 1x1 convolution to four values for each output channel, (row, column) = (0, 0),
/// (0, 1), (1, 0), (1, 1), which are then rearranged.
template<Quantizer Q>
struct up_convolution : layered<up_convolution<Q>> {
  activation<Q> input;
  rolewise::convolution<Q> convolution;
  torch::Tensor bias;  ///< `[out]`, at least single precision

  up_convolution(const layer_factory<Q>& make, const std::string& name, std::int64_t in,
                 std::int64_t out)
      : input{make.activation(name + ".convolution")},
        convolution{
            make.convolution(name + ".convolution", {.in = in, .out = 4 * out, .kernel = 1})},
        bias{at::zeros(out, torch::kFloat).set_requires_grad(true)}
  {}

  /// @param x `[N, I, H, W]`, rectified
  /// @return `[N, O, 2 H, 2 W]`, rectified
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, phase when)
  {
    const auto y = at::pixel_shuffle(convolution(input.of_rectified(x, when), when), 2);
    return (y + bias.to(y.scalar_type()).view({1, -1, 1, 1})).relu_();
  }

  void cast(torch::ScalarType type)
  {
    layered<up_convolution>::cast(type);
    if (c10::isReducedFloatingType(type)) type = torch::kFloat;
    bias = bias.detach().to(type).set_requires_grad(bias.requires_grad());
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    layered<up_convolution>::visit_state(archive);
    archive.parameter("bias", bias);
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("input", self.input);
    f("convolution", self.convolution);
  }
};

}  // namespace rolewise::detail
