// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A learned clip, and the gradient of clipped values.

#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/detail/straight_through.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise {

namespace detail {

inline constexpr double least_clip = 1e-6;

/// The initial value of a learned clip: one number in single precision.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor first_clip(std::string_view who, const layer_id& place,
                                                       double value);

/// The clip as a divisor, without graph: at least 1e-6, whatever the optimizer has made of it.
[[nodiscard]] inline torch::Tensor usable_clip(const torch::Tensor& clip)
{
  return clip.detach().clamp_min(least_clip);
}

/// The map onto n + 1 codes of [0, clip], for a clip of at least 1e-6.
[[nodiscard]] ROLEWISE_INLINE affine_code_map code_map_within(const torch::Tensor& clip, double n);

/// The gradient proxy of values within a clip, with the gradients of what was clipped and of the
/// clip.
/// @param z x / clip, and `level` its level, both without a graph
/// @param lowest -1 or 0: where z is clipped below
[[nodiscard]] ROLEWISE_INLINE torch::Tensor gradient_proxy_within_clip(
    const torch::Tensor& x, const torch::Tensor& clip, const torch::Tensor& z,
    const torch::Tensor& level, double lowest, bool passes_outside);

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/detail/implementation/learned_clip.hpp>
#endif
