// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checks and broadcasts the parameters of operations: one number for each image.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise::detail {

/// Returns the parameter itself; throws unless it is `[N]`, float64, on the CPU.
[[nodiscard]] ROLEWISE_INLINE const torch::Tensor& per_sample(std::string_view who,
                                                              const torch::Tensor& value,
                                                              std::int64_t n);

/// Returns the parameter in a shape that broadcasts over pixels: `[N, 1, 1, 1]` in `dtype`, on
/// their device.
[[nodiscard]] inline torch::Tensor beside(std::string_view who, const torch::Tensor& value,
                                          const torch::Tensor& pixels, torch::ScalarType dtype)
{
  return per_sample(who, value, pixels.size(0)).to(dtype).view({-1, 1, 1, 1}).to(pixels.device());
}

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/per_sample.hpp>
#endif
