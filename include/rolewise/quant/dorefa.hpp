// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `dorefa`: DoReFa-Net, weights through tanh and their maximum, activations clipped to [0, 1].

#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/detail/through_tanh.hpp>
#include <rolewise/quant/fusible_steps.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <optional>
#include <utility>

namespace rolewise {

/// Which parts of the weight mapping are differentiated, besides the straight-through rounding.
enum class dorefa_gradient {
  exact,    ///< tanh, division and maximum
  detached  ///< tanh and division; the maximum counts as a constant, as in several ports
};

/// DoReFa quantization: weights on 2^k odd levels, activations on 2^k levels of [0, 1]; nothing
/// is learned.
///
///     n = 2^k - 1;  round is half to even, its derivative counts as 1
///     weights, k = 2 .. 31:  t = tanh(w), m = max |t|, c = round((t / (2m) + 1/2) n)
///                            levels 2c - n, scale 1/n;  values lie in [-1, 1]
///     weights, k = 1:        levels sign(w) with sign(0) = +1, scale mean |w|
///     activations, k < 32:   levels round(clip(x, 0, 1) n), scale 1/n
///     k = 32:                weights as they are, activations rectified
///
/// The maximum and the mean are taken over the whole tensor. There is no zero level for weights:
/// w = 0 becomes +1/n. The magnitude of the weights is lost, so batch norm should follow.
/// All-zero weights give +1/n everywhere, with one bit 0. If all weights are tiny, their scale
/// does not affect the codes, down to the smallest number.
///
/// Kernels quantize float32 on the CPU: weights of up to 7 bits become int8, activations of up to
/// 8 bits uint8. Otherwise, and for 8-bit weights, whose levels reach 255, levels are floating
/// point. A weight may round differently from exact arithmetic only where the unrounded code is
/// within 3e-7 n of a half.
///
/// @par Gradients
/// Weights: exact through maximum, division and tanh, or with the maximum held constant
/// (`dorefa_gradient`); equal maxima share its part. They grow as 1/m: where m is below 2^-80
/// they are those times m 2^80, which keeps their direction and keeps them finite; for all-zero
/// weights m counts as 1. One bit: the gradient of the values passes unchanged, mean |w| counts
/// as a constant. Activations: passes where 0 <= x <= 1, ends included.
/// @par Determinism
/// A function of its arguments alone; sums do not depend on the number of threads.
/// @par Source
/// Zhou, Wu, Ni, Zhou, Wen, Zou: DoReFa-Net: Training Low Bitwidth Convolutional Neural Networks
/// with Low Bitwidth Gradients, 2016, arXiv:1606.06160, section 2.
/// @par Departs
/// Gradients are not quantized (`dorefa_gradients` does that). All-zero weights are defined (the
/// paper divides by 0).
struct dorefa {
  static constexpr std::string_view name = "dorefa";
  static constexpr bool rectifies = true;

  struct weights {
    static constexpr bool has_state = false;
    static constexpr bool keeps_size = false;
    dorefa_gradient gradient = dorefa_gradient::exact;

    [[nodiscard]] quantized operator()(const torch::Tensor& w, bit_width bits) const;
  };

  struct activations {
    static constexpr bool has_state = false;

    [[nodiscard]] quantized operator()(const torch::Tensor& x, bit_width bits) const;
    [[nodiscard]] std::optional<detail::fusible_steps> steps(at::IntArrayRef sizes,
                                                             bit_width bits) const;
  };

  dorefa_gradient gradient = dorefa_gradient::exact;

  [[nodiscard]] weights start_weights(const layer_id&) const { return {gradient}; }
  [[nodiscard]] activations start_activations(const layer_id&) const { return {}; }
};

static_assert(Quantizer<dorefa>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/dorefa.hpp>
#endif
