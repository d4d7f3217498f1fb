// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/byte_normalization.hpp>.

#include <rolewise/network/detail/byte_normalization.hpp>

#include <ATen/ops/take.h>

#include <algorithm>

namespace rolewise::detail {

ROLEWISE_INLINE byte_map byte_normalization::operator()(const byte_map& x) const
{
  const auto tables = this->tables();
  return {x.codes.device().is_cpu() && x.codes.is_contiguous(torch::MemoryFormat::ChannelsLast)
              ? by_rows(x.codes, tables)
              : by_index(x.codes, tables),
          out_};
}

ROLEWISE_INLINE torch::Tensor byte_normalization::tables() const
{
  const auto all = at::arange(256, factor_.options()).sub_(in_.zero).mul_(in_.scale);
  return byte_map::of(at::addcmul(shift_.unsqueeze(1), factor_.unsqueeze(1), all).relu_(), out_)
      .codes.contiguous();
}

ROLEWISE_INLINE torch::Tensor byte_normalization::by_index(const torch::Tensor& codes,
                                                           const torch::Tensor& tables)
{
  const auto channels = at::arange(tables.size(0), codes.options().dtype(torch::kLong));
  return at::take(tables, codes.to(torch::kLong) + (channels * 256).view({-1, 1, 1}));
}

ROLEWISE_INLINE torch::Tensor byte_normalization::by_rows(const torch::Tensor& codes,
                                                          const torch::Tensor& tables)
{
  auto result = at::empty_like(codes);
  const std::int64_t channels = codes.size(1), examples = codes.size(0);
  const auto size = codes.numel() / std::max<std::int64_t>(examples, 1);
  const auto* const from = codes.const_data_ptr<std::uint8_t>();
  const auto* const table = tables.const_data_ptr<std::uint8_t>();
  auto* const to = result.mutable_data_ptr<std::uint8_t>();
  // Below this size the work is done before another thread has started.
  const int threads = codes.numel() < std::int64_t{1} << 16 ? 1 : at::get_num_threads();
  parallel_for(examples, threads, [&](std::int64_t example) {
    const auto begin = example * size, end = begin + size;
    for (auto pixel = begin; pixel < end; pixel += channels)
      for (std::int64_t c = 0; c < channels; ++c) to[pixel + c] = table[256 * c + from[pixel + c]];
  });
  return result;
}

}  // namespace rolewise::detail
