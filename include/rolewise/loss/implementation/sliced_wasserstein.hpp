// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/sliced_wasserstein.hpp>.

#include <rolewise/loss/sliced_wasserstein.hpp>

#include <rolewise/core/draws.hpp>
#include <rolewise/support/error.hpp>

#include <tuple>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor random_directions(seed key, std::int64_t epoch, std::int64_t step,
                                                std::int64_t count, std::int64_t channels)
{
  if (count < 1 || channels < 1)
    throw_invalid_argument("random_directions", "want at least one direction and channel, got ",
                           count, " and ", channels);
  const auto found = normal_draws(key, epoch, at::full({1}, step, torch::kLong), count * channels)
                         .view({count, channels});
  return found / found.norm(2, {1}, true);
}

ROLEWISE_INLINE torch::Tensor sliced_wasserstein(const torch::Tensor& a, const torch::Tensor& b,
                                                 const torch::Tensor& directions)
{
  if (a.dim() != 4 || a.sizes() != b.sizes())
    throw_invalid_argument("sliced_wasserstein",
                           "want two batches [N, C, H, W] of the same sizes, ", "got ", a.sizes(),
                           " and ", b.sizes());
  if (directions.dim() != 2 || directions.size(0) < 1 || directions.size(1) != a.size(1))
    throw_invalid_argument("sliced_wasserstein", "want directions [D, ", a.size(1), "], got ",
                           directions.sizes());
  if (a.numel() == 0) return (a + b).sum();
  const auto w = directions.to(a.options().requires_grad(false));
  const auto sorted = [&](const torch::Tensor& images) {  // [D, N, H * W]
    const auto pixels = images.flatten(2).transpose(0, 1).flatten(1);
    return std::get<0>(w.matmul(pixels).view({w.size(0), images.size(0), -1}).sort(1));
  };
  return (sorted(a) - sorted(b)).square().mean();
}

}  // namespace rolewise
