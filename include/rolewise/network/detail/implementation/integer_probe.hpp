// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/integer_probe.hpp>.

#include <rolewise/network/detail/integer_probe.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor extreme_weights(const byte_case& c)
{
  const auto in = c.in / c.groups;
  auto w = at::full({c.out, in, c.kernel, c.kernel}, 127, torch::kInt);
  w.slice(0, 1, c.out, 4).fill_(-127);
  w.slice(0, 2, c.out, 4).slice(1, 0, in, 2).fill_(-127);
  w.slice(0, 3, c.out, 4)
      .copy_(at::arange(in * c.kernel * c.kernel, torch::kInt)
                 .mul(37)
                 .remainder(255)
                 .sub(127)
                 .view({1, in, c.kernel, c.kernel}));
  return w.to(torch::kChar);
}

ROLEWISE_INLINE torch::Tensor extreme_inputs(const byte_case& c)
{
  auto x = at::full({2, c.in, c.size, c.size}, 255, torch::kInt);
  x.slice(0, 1).copy_(at::arange(c.in * c.size * c.size, torch::kInt)
                          .mul(91)
                          .remainder(256)
                          .view({1, c.in, c.size, c.size}));
  return x.to(torch::kByte).contiguous(torch::MemoryFormat::ChannelsLast);
}

}  // namespace rolewise::detail
