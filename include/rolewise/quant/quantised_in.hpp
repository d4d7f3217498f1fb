// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What a layer calls the state of a quantizer by.

#include <rolewise/core/phase.hpp>
#include <rolewise/quant/quantizer.hpp>

namespace rolewise {

/// Calls a state: by `evaluated(x, bits) const` outside training, if it has that member. It is for
/// what differs there, such as roundings by chance.
template<quantizer_must::have_states_that_quantise State>
[[nodiscard]] quantised quantised_in(phase when, const State& state, const torch::Tensor& x,
                                     bit_width bits)
{
  if constexpr (requires { state.evaluated(x, bits); })
    if (is_as_asked(when)) return state.evaluated(x, bits);
  return state(x, bits);
}

}  // namespace rolewise
