// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Levels of signed activations by a quantizer of rectified ones.

#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise::detail {

/// The levels of x from those of |x|: with the signs of x, int8 where bytes have at most 7 bits.
/// The gradient of the values reaches |x| times the sign.
///
/// @param who the quantizer
/// @throws std::invalid_argument if the levels of |x| have an offset, which has no sign
[[nodiscard]] ROLEWISE_INLINE quantized with_signs_of(const torch::Tensor& x, quantized magnitudes,
                                                      std::string_view who);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/signed_levels.hpp>
#endif
