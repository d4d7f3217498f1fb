// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `dorefa_gradients`: DoReFa's low-bit gradients, with noise that makes the rounding unbiased.

#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/element_draws.hpp>
#include <rolewise/quant/gradient_quantizer.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise {

/// Quantizes each example's gradient to 2^k levels from -m to m, where m is its largest |d|.
///
///     d' = 2 m (round(clip(d / (2 m) + 1/2 + noise / n, 0, 1) n) / n - 1/2),  n = 2^k - 1
///
/// Rounds half to even. All-zero examples stay 0; an example with a NaN becomes all NaN.
/// @param d `[N, ...]`
/// @param noise of the shape of d, uniform in [-1/2, 1/2); undefined means 0
/// @return of the shape and type of d; computed in at least single precision
[[nodiscard]] ROLEWISE_INLINE torch::Tensor quantized_gradient(const torch::Tensor& d,
                                                               bit_width bits,
                                                               const torch::Tensor& noise = {});

/// Quantizes the gradients of convolution outputs before the backward pass of the convolution;
/// both its weight gradient and its input gradient are computed from them. The forward pass is
/// unchanged.
///
/// The first and the last layer of a network are exempt. The noise makes the rounding unbiased.
///
/// @par Determinism
/// The noise is a function of seed, layer, step and element; the step is counted in training and
/// kept as state.
/// @par Source
/// Zhou, Wu, Ni, Zhou, Wen, Zou: DoReFa-Net: Training Low Bitwidth Convolutional Neural Networks
/// with Low Bitwidth Gradients, 2016, arXiv:1606.06160, section 2.5; code of tensorpack.
struct dorefa_gradients {
  class gradients;

  bit_width bits{6};
  rolewise::seed seed{0};
  bool noise = true;

  [[nodiscard]] inline gradients start_gradients(const layer_id& place) const;
};

class dorefa_gradients::gradients {
 public:
  gradients(const dorefa_gradients& how, const layer_id& place)
      : draws_{how.seed, place, purpose{"gradient noise"}},
        bits_{place.is_first() || place.is_last() ? bit_width{32} : how.bits},
        noise_{how.noise}
  {}

  /// Returns y; quantizes its gradient in the backward pass.
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& y);

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("draws", draws_);
  }

 private:
  element_draws draws_;
  bit_width bits_;
  bool noise_;
};

dorefa_gradients::gradients dorefa_gradients::start_gradients(const layer_id& place) const
{
  return {*this, place};
}

static_assert(GradientQuantizer<dorefa_gradients>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/dorefa_gradients.hpp>
#endif
