// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Keyed noise bytes for a batch, by tensor operations.

#include <rolewise/agent/image_layers.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstdint>

namespace rolewise::detail {

/// Returns the high and the low 32 bits of the product of 32-bit words `[...]`, int64, with a
/// constant.
[[nodiscard]] ROLEWISE_INLINE std::array<torch::Tensor, 2> wide_product(const torch::Tensor& words,
                                                                        std::int64_t by);

/// Returns bytes 0 .. count - 1 of the noise of each image, numbered as in `image_paint`: Philox
/// 4x32-10 (`philox`) in tensor operations.
/// @param ids `[N]`, int64
/// @return `[N, count]`, uint8, on the device of the ids
[[nodiscard]] ROLEWISE_INLINE torch::Tensor noise_bytes(const image_paint& paint,
                                                        const torch::Tensor& ids,
                                                        std::int64_t count);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/noise_bytes.hpp>
#endif
