// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Rounding to the nearest of a few non-uniform levels.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail {

/// Applies an elementwise `f` that requires and returns contiguous memory; channels-last images
/// keep their memory format.
template<typename F>
[[nodiscard]] torch::Tensor in_memory_order(const torch::Tensor& x, const F& f)
{
  if (x.dim() == 4 && x.is_contiguous(torch::MemoryFormat::ChannelsLast))
    return f(x.permute({0, 2, 3, 1})).permute({0, 3, 1, 2});
  return f(x.contiguous());
}

/// 0 where x is finite, else NaN: added to levels, it propagates non-finite inputs.
[[nodiscard]] inline torch::Tensor spoilt(const torch::Tensor& x) { return x - x; }

/// The code whose level, `code / codes.back()`, is nearest to x; ties go to the lower level. NaN
/// stays NaN.
/// @param x within [0, 1]
/// @param codes ascending, from 0
[[nodiscard]] ROLEWISE_INLINE torch::Tensor nearest_codes(const torch::Tensor& x,
                                                          const std::vector<std::int64_t>& codes);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/detail/implementation/level_grid.hpp>
#endif
