// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Affine quantization with a scale and a zero point.

#include <rolewise/quant/affine_codes.hpp>
#include <rolewise/quant/detail/gradient_proxies.hpp>

#include <cstdint>

namespace rolewise::detail {

/// Affine codes round(x / s) + z, computed with the reciprocal of s and not clamped yet; x may
/// have any shape that broadcasts with s. The zero point is added after rounding: before, halves
/// would round differently.
template<typename Round>
[[nodiscard]] torch::Tensor affine_code_of(const torch::Tensor& x, const affine_parameters& p,
                                           const Round& round)
{
  return round(x * p.scale.reciprocal()) + p.zero_point;
}

/// Quantizes x, with a gradient proxy. With one scale the codes keep their zero point; with several
/// it is subtracted, because `quantized` has a single zero point.
template<typename Round>
[[nodiscard]] quantized affine_quantized(const torch::Tensor& original, const torch::Tensor& x,
                                         const affine_parameters& p, const affine_codes& codes,
                                         const Round& round)
{
  const auto [first, last] = codes.codes;
  auto code = affine_code_of(x, p, round);
  torch::Tensor passes;
  if (wants_gradient(original)) passes = code.ge(first).logical_and_(code.le(last));
  code.clamp_(first, last);
  quantized q{.levels = code,
              .scale = p.scale,
              .is_integer = true,
              .range = codes.codes,
              .gradient_proxy = gradient_proxy_through(original, passes)};
  if (p.scale.dim() == 0) {
    q.zero_point = static_cast<std::int64_t>(p.zero_point.template item<double>());
  } else if (codes.form == affine_form::asymmetric) {
    q.levels.sub_(p.zero_point);
    q.range = level_range{first - last, last - first};
  }
  return q;
}

}  // namespace rolewise::detail
