// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Selection of integer arithmetic for the product of two quantized tensors.

#include <rolewise/network/integer_forward.hpp>
#include <rolewise/quant/layer_arithmetic.hpp>
#include <rolewise/quant/quantized.hpp>

#include <algorithm>
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
[[nodiscard]] inline integer_plan integer_plan_of_levels(const quantized& x, const quantized& w,
                                                         std::int64_t length)
{
  if (!x.is_integer || !w.is_integer) return {layer_arithmetic::no_integer_levels};
  if (!x.range || !w.range) return {layer_arithmetic::unknown_range};
  // int8 becomes uint8 by flipping the sign bit, whatever the range.
  const auto [lowest, highest] = *x.range;
  const auto shift = lowest >= 0 && highest <= 255            ? std::int64_t{0}
                     : x.levels.scalar_type() == torch::kChar ? std::int64_t{128}
                                                              : -lowest;
  const auto zero = x.zero_point + shift;
  if (lowest + shift < 0 || highest + shift > 255 || zero < 0 || zero > 255)
    return {layer_arithmetic::activations_too_wide};
  const auto [least, most] = from_zero(w);
  if (least < -128 || most > 127) return {layer_arithmetic::weights_too_wide};
  // Kernels may sum codes first and subtract the contribution of the zero point later.
  if (length * 255 * std::max(most, -least) > INT32_MAX) return {layer_arithmetic::sums_too_long};
  return {layer_arithmetic::integer, shift, zero};
}

/// @param like a tensor with the shape, dtype and device of the values of x
[[nodiscard]] inline integer_plan integer_plan_of(const quantized& x, const quantized& w,
                                                  const torch::Tensor& like, std::int64_t length)
{
  if (!like.device().is_cpu()) return {layer_arithmetic::other_device};
  if (like.scalar_type() != torch::kFloat) return {layer_arithmetic::other_type};
  const auto plan = integer_plan_of_levels(x, w, length);
  if (!plan.is_integer()) return plan;
  if (without_integers::active()) return {layer_arithmetic::switched_off};
  if (!integer_forward_support().available) return {layer_arithmetic::no_operators};
  return plan;
}

/// The levels of x as uint8 codes: unchanged, or in one pass (floating-point levels with a shift
/// take two).
[[nodiscard]] inline torch::Tensor codes_of_inputs(const torch::Tensor& levels, std::int64_t shift)
{
  const auto type = levels.scalar_type();
  if (type == torch::kByte) return shift == 0 ? levels : levels + shift;
  if (type == torch::kChar) {
    const auto bytes = levels.view(torch::kByte);
    return shift == 0 ? bytes : bytes.bitwise_xor(128);
  }
  return (shift == 0 ? levels : levels + shift).to(torch::kByte);
}

/// The levels of w as int8 codes with zero point 0.
[[nodiscard]] inline torch::Tensor codes_of_weights(const quantized& w)
{
  if (w.zero_point == 0) return w.levels.to(torch::kChar);
  return (w.levels.to(torch::kInt) - w.zero_point).to(torch::kChar);
}

}  // namespace rolewise::detail
