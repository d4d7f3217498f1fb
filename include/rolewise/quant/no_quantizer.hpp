// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `no_quantizer`: full precision; also the template for a custom quantizer.

#include <rolewise/quant/quantizer.hpp>

namespace rolewise {

/// Full precision: weights unchanged, activations through ReLU. Layers omit it at compile time,
/// so a network with it computes exactly what plain LibTorch computes.
struct no_quantizer {
  static constexpr std::string_view name = "no-quantizer";
  static constexpr bool changes_nothing = true;

  struct weights {
    static constexpr bool has_state = false;

    [[nodiscard]] quantized operator()(const torch::Tensor& w, bit_width) const
    {
      return {.levels = w, .scale = {}};
    }
  };

  struct activations {
    static constexpr bool has_state = false;

    [[nodiscard]] quantized operator()(const torch::Tensor& x, bit_width) const
    {
      return {.levels = x.relu(), .scale = {}};
    }
  };

  [[nodiscard]] weights start_weights(const layer_id&) const { return {}; }
  [[nodiscard]] activations start_activations(const layer_id&) const { return {}; }
};

static_assert(Quantizer<no_quantizer>);

}  // namespace rolewise
