// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Selection of integer arithmetic for the product of two quantized tensors.

#include <rolewise/network/integer_forward.hpp>
#include <rolewise/quant/layer_arithmetic.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise::detail {

/// The arithmetic of a product, and how levels become codes: uint8 for x, int8 for w.
struct integer_plan {
  layer_arithmetic arithmetic = layer_arithmetic::not_run;
  std::int64_t shift = 0;  ///< added to levels of x
  std::int64_t zero = 0;   ///< zero point: the code of the value 0

  [[nodiscard]] bool is_integer() const { return arithmetic == layer_arithmetic::integer; }
};

/// The range of the levels relative to the zero point.
[[nodiscard]] inline level_range from_zero(const quantized& q)
{
  return {q.range->lowest - q.zero_point, q.range->highest - q.zero_point};
}

/// The plan from the levels alone, independent of device, dtype and operators.
/// @param length number of products per sum
[[nodiscard]] ROLEWISE_INLINE integer_plan integer_plan_of_levels(const quantized& x,
                                                                  const quantized& w,
                                                                  std::int64_t length);

/// @param like a tensor with the shape, dtype and device of the values of x
[[nodiscard]] ROLEWISE_INLINE integer_plan integer_plan_of(const quantized& x, const quantized& w,
                                                           const torch::Tensor& like,
                                                           std::int64_t length,
                                                           std::int64_t groups = 1);

/// The levels of x as uint8 codes: unchanged, or in one pass (floating-point levels with a shift
/// take two).
[[nodiscard]] ROLEWISE_INLINE torch::Tensor codes_of_inputs(const torch::Tensor& levels,
                                                            std::int64_t shift);

/// The levels of w as int8 codes with zero point 0.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor codes_of_weights(const quantized& w);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/integer_plan.hpp>
#endif
