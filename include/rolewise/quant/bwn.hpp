// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `bwn`: binary weights with one scale per filter (Binary-Weight-Networks).

#include <rolewise/quant/detail/gradient_proxies.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/support/inline.hpp>

#include <string>
#include <string_view>

namespace rolewise {

/// The straight-through gradient of binary weights. G is the gradient of the values, n the number
/// of weights of a filter, a its scale.
enum class bwn_gradient {
  /// sign(w_i)/n sum_j G_j sign(w_j) + a G_i [|w_i| <= 1]: the scale is differentiated, too.
  chain_rule,
  /// G_i (1/n + a [|w_i| < 1]): each weight affects the scale of its own value only.
  paper
};

/// One-bit weights: +-a, where a is the mean |w| of a filter (of an output).
///
///     levels sign(w) with sign(0) = +1, scale mean |w| for each filter
///
/// For fixed signs this scale minimizes the squared error. An all-zero filter becomes 0. Widths
/// are 1 or 32 bits.
///
/// @par Gradients
/// `bwn_gradient`.
/// @par Determinism
/// A function of its arguments alone. `constrain` changes the stored weights if `center` or
/// `clamp` is set.
/// @throws std::invalid_argument for other widths
/// @throws std::runtime_error on the CPU, for weights that are not finite
/// @par Source
/// Rastegari, Ordonez, Redmon, Farhadi: XNOR-Net: ImageNet Classification Using Binary
/// Convolutional Neural Networks, 2016, arXiv:1603.05279, sections 3.1 and 3.3; code
/// allenai/XNOR-Net.
/// @par Departs
/// The released code has sign(0) = 0, a third value, and multiplies gradients by n or by 1e9,
/// which suits its optimizers alone; so does its factor 1 - 1/I for the centering. Centering and
/// clamping of the stored weights are off by default.
struct bwn {
  static constexpr std::string_view name = "bwn";

  struct weights {
    static constexpr bool has_state = false;
    static constexpr bool is_monotone = true;
    static constexpr bool is_idempotent = true;

    bwn_gradient gradient = bwn_gradient::chain_rule;
    bool center = false;
    bool clamp = false;
    std::string layer{};

    [[nodiscard]] quantized operator()(const torch::Tensor& w, bit_width bits) const;

    /// Centers and clamps the stored weights in place, if configured, before each forward pass of
    /// training.
    void constrain(torch::Tensor& w, bit_width bits) const;
  };

  bwn_gradient gradient = bwn_gradient::chain_rule;
  /// Subtracts the mean over the input channels from the stored weights, for each output and
  /// kernel position. With a single input channel all weights become 0.
  bool center = false;
  /// Clamps the stored weights to [-1, 1].
  bool clamp = false;

  [[nodiscard]] weights start_weights(const layer_id& place) const
  {
    return {gradient, center, clamp, place.name};
  }
};

static_assert(WeightQuantizer<bwn>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/bwn.hpp>
#endif
