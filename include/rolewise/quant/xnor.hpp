// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `xnor`: XNOR-Net, binary weights and binary activations.

#include <rolewise/quant/bwn.hpp>
#include <rolewise/support/inline.hpp>

#include <string>
#include <string_view>

namespace rolewise {

/// Binary weights and activations: weights as in `bwn`; activations sign(x), sign(0) = +1,
/// without a scale.
///
/// Requires a signed input, such as a batch norm's output: signs of a rectified input are all +1.
/// So `activation::rectify`, and with it every network of the library, does not compile with this
/// quantizer; a custom body passes its unrectified input to `activation::of_signed`. The zero
/// padding of a convolution is a third value. Widths are 1 or 32 bits; 32 bits of activations are
/// ReLU.
///
/// @par Gradients
/// Activations: passes where -1 < x < 1. Weights: `bwn_gradient`.
/// @par Determinism
/// A function of its arguments alone.
/// @throws std::invalid_argument for other widths
/// @par Source
/// As `bwn`, section 3.2.
/// @par Departs
/// The paper multiplies each output by K, the mean |x| under its window. K belongs to outputs,
/// not to values, so it is not part of the quantized tensor; a custom body multiplies by
/// `window_magnitude`. The released code has no K. There sign(0) = 0.
struct xnor {
  static constexpr std::string_view name = "xnor";

  using weights = bwn::weights;

  struct activations {
    static constexpr bool has_state = false;
    static constexpr bool wants_signed_input = true;
    static constexpr bool is_monotone = true;
    static constexpr bool is_idempotent = true;

    std::string layer{};

    [[nodiscard]] quantized operator()(const torch::Tensor& x, bit_width bits) const;
  };

  bwn_gradient gradient = bwn_gradient::chain_rule;
  bool center = false;  ///< see `bwn`
  bool clamp = false;   ///< see `bwn`

  [[nodiscard]] weights start_weights(const layer_id& place) const
  {
    return {gradient, center, clamp, place.name};
  }
  [[nodiscard]] activations start_activations(const layer_id& place) const { return {place.name}; }
};

static_assert(Quantizer<xnor>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/xnor.hpp>
#endif
