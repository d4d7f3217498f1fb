// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `granularity`: which weights share a scale.

#include <rolewise/core/tensor.hpp>

namespace rolewise {

/// Which weights of a layer share a scale.
enum class granularity {
  per_tensor,  ///< one scale for the layer
  per_channel  ///< one per filter, axis 0 of the weights
};

namespace detail {

/// All elements, 1-dimensional, in memory order where that takes no copy.
[[nodiscard]] inline torch::Tensor in_any_order(const torch::Tensor& x)
{
  return x.is_non_overlapping_and_dense() ? x.as_strided({x.numel()}, {1}) : x.flatten();
}

/// One row per scale, `[G, n]`.
[[nodiscard]] inline torch::Tensor rows_per_scale(const torch::Tensor& x, granularity shared)
{
  return shared == granularity::per_channel ? x.flatten(1) : in_any_order(x).unsqueeze(0);
}

}  // namespace detail

}  // namespace rolewise
