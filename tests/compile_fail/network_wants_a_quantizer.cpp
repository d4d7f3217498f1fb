// expect: a network wants a Quantizer
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/schemes.hpp>

#include <string_view>

struct repeats {
  static constexpr bool has_state = false;
  rolewise::quantized operator()(const torch::Tensor& x, rolewise::bit_width) const
  {
    return {.levels = x};
  }
};

// A quantizer for weights without one for activations.
struct weights_alone {
  static constexpr std::string_view name = "weights-alone";
  repeats start_weights(const rolewise::layer_id&) const { return {}; }
#ifdef ROLEWISE_CONTROL
  repeats start_activations(const rolewise::layer_id&) const { return {}; }
#endif
};

auto use() { return rolewise::resnet8({}, weights_alone{}, rolewise::inner_bits<2>); }
