// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `affine_codes`: computes scale and zero point from a range of values.

#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/support/error.hpp>

#include <cstdint>

namespace rolewise {

/// A range of values, both ends included: 0-dimensional tensors, or one entry per scale.
struct value_range {
  torch::Tensor lowest{};
  torch::Tensor highest{};
};

/// Scale and zero point: `value = (code - zero_point) * scale`. The zero point is integer-valued
/// and has the type of the scale.
struct affine_parameters {
  torch::Tensor scale{};
  torch::Tensor zero_point{};
};

enum class affine_form {
  asymmetric,     ///< the whole range, extended to contain 0; with a zero point
  symmetric,      ///< larger end / largest code; signed codes without the lowest one
  symmetric_full  ///< PyTorch's: larger end / half the codes; all signed codes
};

/// The codes of a quantizer and their mapping onto a range of values.
///
///     lo = min(lowest, 0), hi = max(highest, 0)
///     asymmetric      s = max((hi - lo) / (last - first), 2^-23),
///                     z = clamp(first - round(lo / s), first, last)
///     symmetric       s = max(max(-lo, hi) / last, 2^-23), z = 0
///     symmetric_full  s = max(max(-lo, hi) / ((last - first) / 2), 2^-23), z = 0, or for codes
///                     from 0 on (first + last) div 2, 128 for all codes of a byte
///
/// Rounds half to even. 0 is always representable. Because z is an integer, the representable
/// interval may extend up to half a step beyond one end of the range and fall short of the other
/// by as much.
///
/// @par Source
/// PyTorch, torch/ao/quantization/observer.py; `symmetric` is the usual form of integer kernels.
struct affine_codes {
  level_range codes{};
  affine_form form = affine_form::asymmetric;

  [[nodiscard]] affine_parameters parameters(const value_range& range) const
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

 private:
  [[nodiscard]] std::int64_t middle() const
  {
    if (codes.lowest < 0) return 0;
    return codes == level_range{0, 255} ? 128 : (codes.lowest + codes.highest) / 2;
  }
};

/// Signed codes, for weights.
/// @throws std::invalid_argument for one bit without its lowest code: only 0 is left
[[nodiscard]] inline affine_codes signed_codes(bit_width bits, affine_form form)
{
  const auto half = std::int64_t{1} << (bits.value() - 1);
  if (form != affine_form::symmetric) return {{-half, half - 1}, form};
  if (half == 1)
    throw_invalid_argument("affine_codes", "symmetric codes want at least 2 bits, got 1");
  return {{1 - half, half - 1}, form};
}

/// Codes for activations: from 0 on if they have a zero point, else signed.
[[nodiscard]] inline affine_codes activation_codes(bit_width bits, affine_form form)
{
  if (form != affine_form::asymmetric) return signed_codes(bits, form);
  return {{0, (std::int64_t{1} << bits.value()) - 1}, form};
}

}  // namespace rolewise
