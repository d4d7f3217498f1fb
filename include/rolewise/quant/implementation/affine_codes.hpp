// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/affine_codes.hpp>.

#include <rolewise/quant/affine_codes.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE affine_parameters affine_codes::parameters(const value_range& range) const
{
  constexpr double least_scale = 0x1p-23;
  const auto lo = range.lowest.clamp_max(0), hi = range.highest.clamp_min(0);
  const auto first = static_cast<double>(codes.lowest), last = static_cast<double>(codes.highest);
  if (form == affine_form::asymmetric) {
    const auto scale = ((hi - lo) / (last - first)).clamp_min_(least_scale);
    return {scale, (lo / scale).round_().neg_().add_(first).clamp_(first, last)};
  }
  const auto end = at::maximum(lo.neg(), hi);
  if (form == affine_form::symmetric)
    return {(end / last).clamp_min_(least_scale), at::zeros_like(end)};
  const auto scale = (end / ((last - first) / 2)).clamp_min_(least_scale);
  return {scale, at::full_like(end, static_cast<double>(middle()))};
}

ROLEWISE_INLINE std::int64_t affine_codes::middle() const
{
  if (codes.lowest < 0) return 0;
  return codes == level_range{0, 255} ? 128 : (codes.lowest + codes.highest) / 2;
}

ROLEWISE_INLINE affine_codes signed_codes(bit_width bits, affine_form form)
{
  const auto half = std::int64_t{1} << (bits.value() - 1);
  if (form != affine_form::symmetric) return {{-half, half - 1}, form};
  if (half == 1)
    throw_invalid_argument("affine_codes", "symmetric codes want at least 2 bits, got 1");
  return {{1 - half, half - 1}, form};
}

ROLEWISE_INLINE affine_codes activation_codes(bit_width bits, affine_form form)
{
  if (form != affine_form::asymmetric) return signed_codes(bits, form);
  return {{0, (std::int64_t{1} << bits.value()) - 1}, form};
}

}  // namespace rolewise
