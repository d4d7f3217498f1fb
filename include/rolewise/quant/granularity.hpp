// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Which weights share a scale.

#include <rolewise/core/tensor.hpp>

namespace rolewise {

enum class granularity {
  per_tensor,  ///< one scale for the layer
  per_channel  ///< one for each filter, axis 0 of the weights
};

namespace detail {

/// All elements, in the order in which they lie in memory where that takes no copy.
[[nodiscard]] inline torch::Tensor in_any_order(const torch::Tensor& x)
{
  return x.is_non_overlapping_and_dense() ? x.as_strided({x.numel()}, {1}) : x.flatten();
}

/// A row for each scale, `[G, n]`.
[[nodiscard]] inline torch::Tensor rows_per_scale(const torch::Tensor& x, granularity shared)
{
  return shared == granularity::per_channel ? x.flatten(1) : in_any_order(x).unsqueeze(0);
}

}  // namespace detail

}  // namespace rolewise
