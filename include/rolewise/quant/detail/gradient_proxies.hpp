// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Helpers for quantizers with a gradient proxy.

#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Whether x requires a gradient. If not, masks need not be computed.
[[nodiscard]] inline bool wants_gradient(const torch::Tensor& x)
{
  return at::GradMode::is_enabled() && x.requires_grad();
}

/// The gradient proxy of values computed from x.
/// @param factor of the shape of x, bool or floating point; undefined passes every gradient
[[nodiscard]] ROLEWISE_INLINE torch::Tensor gradient_proxy_through(const torch::Tensor& x,
                                                                   torch::Tensor factor = {});

/// x without graph, in at least single precision: codes rounded in 16 bits would differ.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor in_at_least_single(const torch::Tensor& x);

/// Reshapes values per filter, `[O]`, to `[O, 1, ...]`, which broadcasts with weights.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor beside_filters(const torch::Tensor& of_filters,
                                                           const torch::Tensor& w);

/// Quantizes a tensor without elements, which has no statistics.
[[nodiscard]] ROLEWISE_INLINE quantized empty_levels(const torch::Tensor& x, level_range range);

/// +1 where x >= 0 (or -0), else -1, and NaN where x is NaN; in the type of x.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor binary_signs(const torch::Tensor& x);

/// Throws for non-finite statistics on a CPU. Elsewhere the check would synchronize with the
/// device; there a NaN or an infinity propagates to the results.
ROLEWISE_INLINE void require_finite(std::string_view who, std::string_view what,
                                    std::string_view layer, const torch::Tensor& statistic);

ROLEWISE_INLINE void require_bits(std::string_view who, std::string_view layer, bit_width found,
                                  bit_width wanted, std::string_view why);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/detail/implementation/gradient_proxies.hpp>
#endif
