// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Stride, padding and groups of a convolution.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

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
  std::int64_t groups = 1;

  /// Whether all four sides have equal padding, which the convolution operator can add itself.
  [[nodiscard]] constexpr bool is_even() const
  {
    return rows == columns && rows.before == rows.after;
  }
};

/// The sizes of `[N, C, H, W]` including padding.
[[nodiscard]] ROLEWISE_INLINE std::vector<std::int64_t> sizes_with_margins(
    at::IntArrayRef sizes, const convolution_geometry& over);

/// Pads `x` with `value` if padding is uneven. Returns it, and the padding left to the operator.
[[nodiscard]] ROLEWISE_INLINE std::pair<torch::Tensor, std::int64_t> padded(
    const torch::Tensor& x, const convolution_geometry& over, std::int64_t value = 0);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/convolution_geometry.hpp>
#endif
