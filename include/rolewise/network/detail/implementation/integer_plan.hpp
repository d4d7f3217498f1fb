// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/integer_plan.hpp>.

#include <rolewise/network/detail/integer_plan.hpp>

#include <algorithm>

namespace rolewise::detail {

ROLEWISE_INLINE integer_plan integer_plan_of_levels(const quantized& x, const quantized& w,
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

ROLEWISE_INLINE integer_plan integer_plan_of(const quantized& x, const quantized& w,
                                             const torch::Tensor& like, std::int64_t length,
                                             std::int64_t groups)
{
  if (!like.device().is_cpu()) return {layer_arithmetic::other_device};
  if (like.scalar_type() != torch::kFloat) return {layer_arithmetic::other_type};
  const auto plan = integer_plan_of_levels(x, w, length);
  if (!plan.is_integer()) return plan;
  if (without_integers::active()) return {layer_arithmetic::switched_off};
  const auto& support = integer_forward_support();
  if (!support.available || (groups > 1 && !support.problem_of_groups.empty()))
    return {layer_arithmetic::no_operators};
  return plan;
}

ROLEWISE_INLINE torch::Tensor codes_of_inputs(const torch::Tensor& levels, std::int64_t shift)
{
  const auto type = levels.scalar_type();
  if (type == torch::kByte) return shift == 0 ? levels : levels + shift;
  if (type == torch::kChar) {
    const auto bytes = levels.view(torch::kByte);
    return shift == 0 ? bytes : bytes.bitwise_xor(128);
  }
  return (shift == 0 ? levels : levels + shift).to(torch::kByte);
}

ROLEWISE_INLINE torch::Tensor codes_of_weights(const quantized& w)
{
  if (w.zero_point == 0) return w.levels.to(torch::kChar);
  return (w.levels.to(torch::kInt) - w.zero_point).to(torch::kChar);
}

}  // namespace rolewise::detail
