// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Maps of ShuffleNets: channel shuffle, rectified maps, and the size of stages.

#include <rolewise/network/detail/deferred_batch_norm.hpp>
#include <rolewise/network/network_options.hpp>

#include <ATen/ops/channel_shuffle.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace rolewise::detail {

/// Channel shuffle of `[N, C, H, W]`: channel j of group i becomes channel i of group j. C is a
/// multiple of the number of groups; one group changes nothing.
[[nodiscard]] inline torch::Tensor shuffled(const torch::Tensor& x, std::int64_t groups)
{
  return groups == 1 ? x : at::channel_shuffle(x, groups);
}

/// The rectified map; in place unless the map is kept.
/// @param kept null, or receives the map
[[nodiscard]] inline torch::Tensor rectified_beside(deferred_batch_norm x, torch::Tensor* kept)
{
  if (!kept) return std::move(x).rectified();
  *kept = x.taken();
  return kept->relu();
}

/// The output pixels of a layer of a network whose stages, from entry 1 of its list on, all halve
/// the size; what follows them has the size of the last one.
/// @param is_before whether the layer belongs to the size before its stage
[[nodiscard]] constexpr std::int64_t positions_of_halving_stages(map_size size, std::size_t stages,
                                                                 std::size_t entry, bool is_before)
{
  const auto halvings = entry > stages ? stages : entry - (is_before ? 1 : 0);
  for (std::size_t s = 0; s < halvings; ++s) size = size.halved();
  return size.pixels();
}

}  // namespace rolewise::detail
