// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Whether and how the product of two quantised tensors is one of bytes.

#include <rolewise/network/integer_forward.hpp>
#include <rolewise/quant/layer_arithmetic.hpp>
#include <rolewise/quant/quantised.hpp>

#include <algorithm>
#include <cstdint>

namespace rolewise::detail {

/// How levels become codes: unsigned bytes for x, signed bytes for w.
struct integer_plan {
  layer_arithmetic arithmetic = layer_arithmetic::not_run;
  std::int64_t shift = 0;  ///< what is added to levels of x
  std::int64_t zero = 0;   ///< the code of the value 0

  [[nodiscard]] bool is_integer() const { return arithmetic == layer_arithmetic::integer; }
};

/// Levels from the code of 0 on.
[[nodiscard]] inline level_range from_zero(const quantised& q)
{
  return {q.range->lowest - q.zero_point, q.range->highest - q.zero_point};
}

/// What the levels alone say, wherever and whatever runs.
/// @param length how many products each sum has
[[nodiscard]] inline integer_plan integer_plan_of_levels(const quantised& x, const quantised& w,
                                                         std::int64_t length)
{
  if (!x.is_integer || !w.is_integer) return {layer_arithmetic::no_integer_levels};
  if (!x.range || !w.range) return {layer_arithmetic::unknown_range};
  // Signed bytes become unsigned by one bit that flips, whatever they hold.
  const auto [lowest, highest] = *x.range;
  const auto shift = lowest >= 0 && highest <= 255            ? std::int64_t{0}
                     : x.levels.scalar_type() == torch::kChar ? std::int64_t{128}
                                                              : -lowest;
  const auto zero = x.zero_point + shift;
  if (lowest + shift < 0 || highest + shift > 255 || zero < 0 || zero > 255)
    return {layer_arithmetic::activations_too_wide};
  const auto [least, most] = from_zero(w);
  if (least < -128 || most > 127) return {layer_arithmetic::weights_too_wide};
  // Kernels may sum codes and take off what the code of 0 adds later.
  if (length * 255 * std::max(most, -least) > INT32_MAX) return {layer_arithmetic::sums_too_long};
  return {layer_arithmetic::integer, shift, zero};
}

/// @param like what has the shape, type and device of the values of x
[[nodiscard]] inline integer_plan integer_plan_of(const quantised& x, const quantised& w,
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

/// Levels of x as unsigned bytes: as they are, or in one pass (floating-point levels with a shift
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

/// Levels of w as signed bytes whose code of 0 is 0.
[[nodiscard]] inline torch::Tensor codes_of_weights(const quantised& w)
{
  if (w.zero_point == 0) return w.levels.to(torch::kChar);
  return (w.levels.to(torch::kInt) - w.zero_point).to(torch::kChar);
}

}  // namespace rolewise::detail
