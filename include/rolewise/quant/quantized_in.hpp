// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `quantized_in`: applies the state of a quantizer in a given phase.

#include <rolewise/core/phase.hpp>
#include <rolewise/quant/quantizer.hpp>

namespace rolewise {

/// Quantizes x. In evaluation and calibration calls `evaluated(x, bits) const` if the state has
/// that member, otherwise the state itself. `evaluated` is for what differs from training, such
/// as stochastic rounding.
template<quantizer_must::have_states_that_quantize State>
[[nodiscard]] quantized quantized_in(phase when, const State& state, const torch::Tensor& x,
                                     bit_width bits)
{
  if constexpr (requires { state.evaluated(x, bits); })
    if (is_as_asked(when)) return state.evaluated(x, bits);
  return state(x, bits);
}

}  // namespace rolewise
