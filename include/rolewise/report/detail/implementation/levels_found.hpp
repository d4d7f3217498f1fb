// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/detail/levels_found.hpp>.

#include <rolewise/report/detail/levels_found.hpp>

#include <ATen/ops/_unique2.h>
#include <ATen/ops/bincount.h>

namespace rolewise::report::detail {

ROLEWISE_INLINE std::int64_t stride_of(const quantized& q, std::int64_t possible)
{
  if (!q.is_integer || !q.range) return 0;
  const auto span = q.range->highest - q.range->lowest;
  if (span < possible) return 1;
  return span % (possible - 1) == 0 ? span / (possible - 1) : 0;
}

ROLEWISE_INLINE std::vector<level_use> distinct_in(const torch::Tensor& numbers)
{
  const auto [found, places, counts] =
      at::_unique2(numbers.detach().to(torch::kCPU, torch::kDouble), true, false, true);
  std::vector<level_use> all;
  const auto* at = found.const_data_ptr<double>();
  const auto* count = counts.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < found.numel(); ++i) all.push_back({at[i], count[i]});
  return all;
}

ROLEWISE_INLINE std::vector<level_use> distinct_integers_in(const torch::Tensor& numbers)
{
  constexpr std::int64_t widest = std::int64_t{1} << 20;
  const auto whole = numbers.detach().to(torch::kCPU, torch::kLong).flatten();
  const auto lowest = whole.min().item<std::int64_t>();
  if (whole.max().item<std::int64_t>() - lowest > widest) return distinct_in(numbers);
  const auto counts = at::bincount(whole - lowest);
  std::vector<level_use> all;
  const auto* count = counts.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < counts.numel(); ++i)
    if (count[i] > 0) all.push_back({static_cast<double>(lowest + i), count[i]});
  return all;
}

ROLEWISE_INLINE void add_unused(std::vector<level_use>& levels, const level_range& range,
                                std::int64_t stride)
{
  std::vector<level_use> all;
  auto next = levels.begin();
  for (auto level = range.lowest; level <= range.highest; level += stride) {
    const auto at = static_cast<double>(level);
    while (next != levels.end() && next->at < at) all.push_back(*next++);
    if (next != levels.end() && next->at == at)
      all.push_back(*next++);
    else
      all.push_back({at, 0});
  }
  all.insert(all.end(), next, levels.end());
  levels = std::move(all);
}

ROLEWISE_INLINE levels_found levels_in(const quantized& q, bit_width bits, bool in_steps,
                                       double factor)
{
  constexpr std::int64_t most_unused = 1 << 16;
  levels_found found;
  found.possible = std::int64_t{1} << bits.value();
  found.levels = q.is_integer ? distinct_integers_in(q.levels) : distinct_in(q.levels);
  found.used = static_cast<std::int64_t>(found.levels.size());
  if (found.used > found.possible && !q.is_integer && q.levels.dim() > 1) {
    found.used = 0;
    for (std::int64_t i = 0; i < q.levels.size(0); ++i)
      found.used = std::max(found.used, static_cast<std::int64_t>(distinct_in(q.levels[i]).size()));
  }
  if (const auto stride = stride_of(q, found.possible); stride > 0) {
    found.possible = (q.range->highest - q.range->lowest) / stride + 1;
    if (found.possible <= most_unused) add_unused(found.levels, *q.range, stride);
  }
  found.is_complete = static_cast<std::int64_t>(found.levels.size()) == found.possible;
  const double zero = static_cast<double>(q.zero_point);
  const double scale = in_steps || !q.scale.defined() ? 1.0 : q.scale.item<double>();
  const double offset = in_steps || !q.offset.defined() ? 0.0 : q.offset.item<double>();
  for (auto& level : found.levels) level.at = ((level.at - zero) * scale + offset) * factor;
  return found;
}

}  // namespace rolewise::report::detail
