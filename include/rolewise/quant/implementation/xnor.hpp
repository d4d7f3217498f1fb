// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/xnor.hpp>.

#include <rolewise/quant/xnor.hpp>

namespace rolewise {

ROLEWISE_INLINE quantized xnor::activations::operator()(const torch::Tensor& x,
                                                        bit_width bits) const
{
  if (bits.is_full()) return {.levels = x.relu(), .scale = {}};
  detail::require_bits(name, layer, bits, bit_width{1}, "its activations are signs");
  return {.levels = detail::binary_signs(detail::in_at_least_single(x)),
          .is_integer = true,
          .range = level_range{-1, 1},
          .gradient_proxy = detail::wants_gradient(x)
                                ? detail::gradient_proxy_through(x, x.detach().abs().lt(1))
                                : gradient_proxy_for(x)};
}

}  // namespace rolewise
