// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/convolution_geometry.hpp>.

#include <rolewise/network/detail/convolution_geometry.hpp>

#include <ATen/ops/constant_pad_nd.h>

namespace rolewise::detail {

ROLEWISE_INLINE std::vector<std::int64_t> sizes_with_margins(at::IntArrayRef sizes,
                                                             const convolution_geometry& over)
{
  return {sizes[0], sizes[1], over.rows.before + sizes[2] + over.rows.after,
          over.columns.before + sizes[3] + over.columns.after};
}

ROLEWISE_INLINE std::pair<torch::Tensor, std::int64_t> padded(const torch::Tensor& x,
                                                              const convolution_geometry& over,
                                                              std::int64_t value)
{
  if (over.is_even()) return {x, over.rows.before};
  const auto& [stride, rows, columns, groups] = over;
  return {at::constant_pad_nd(x, {columns.before, columns.after, rows.before, rows.after}, value),
          0};
}

}  // namespace rolewise::detail
