// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Stride and padding of a convolution.

#include <rolewise/core/tensor.hpp>

#include <ATen/ops/constant_pad_nd.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Padding at the two ends of one axis.
struct margins {
  std::int64_t before = 0;
  std::int64_t after = 0;

  friend constexpr bool operator==(const margins&, const margins&) = default;
};

struct convolution_geometry {
  std::int64_t stride = 1;
  margins rows;
  margins columns;

  /// Whether all four sides have equal padding, which the convolution operator can add itself.
  [[nodiscard]] constexpr bool is_even() const
  {
    return rows == columns && rows.before == rows.after;
  }
};

/// The sizes of `[N, C, H, W]` including padding.
[[nodiscard]] inline std::vector<std::int64_t> sizes_with_margins(at::IntArrayRef sizes,
                                                                  const convolution_geometry& over)
{
  return {sizes[0], sizes[1], over.rows.before + sizes[2] + over.rows.after,
          over.columns.before + sizes[3] + over.columns.after};
}

/// Pads `x` with `value` if padding is uneven. Returns it, and the padding left to the operator.
[[nodiscard]] inline std::pair<torch::Tensor, std::int64_t> padded(const torch::Tensor& x,
                                                                   const convolution_geometry& over,
                                                                   std::int64_t value = 0)
{
  if (over.is_even()) return {x, over.rows.before};
  const auto& [stride, rows, columns] = over;
  return {at::constant_pad_nd(x, {columns.before, columns.after, rows.before, rows.after}, value),
          0};
}

}  // namespace rolewise::detail
