// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `affine_codes`: computes scale and zero point from a range of values.

#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/support/inline.hpp>

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

/// How the range of values is mapped to affine codes.
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

  [[nodiscard]] affine_parameters parameters(const value_range& range) const;

 private:
  [[nodiscard]] std::int64_t middle() const;
};

/// Signed codes, for weights.
/// @throws std::invalid_argument for one bit without its lowest code: only 0 is left
[[nodiscard]] ROLEWISE_INLINE affine_codes signed_codes(bit_width bits, affine_form form);

/// Codes for activations: from 0 on if they have a zero point, else signed.
[[nodiscard]] ROLEWISE_INLINE affine_codes activation_codes(bit_width bits, affine_form form);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/affine_codes.hpp>
#endif
