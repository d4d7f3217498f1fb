// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/detail/level_grid.hpp>.

#include <rolewise/quant/detail/level_grid.hpp>

#include <ATen/ops/bucketize.h>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor nearest_codes(const torch::Tensor& x,
                                            const std::vector<std::int64_t>& codes)
{
  std::vector<double> thresholds, values;
  const auto denominator = static_cast<double>(codes.back());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    values.push_back(static_cast<double>(codes[i]));
    if (i > 0) thresholds.push_back((values[i - 1] + values[i]) / 2 / denominator);
  }
  const auto wide = c10::isReducedFloatingType(x.scalar_type()) ? torch::kFloat : x.scalar_type();
  const auto options = torch::TensorOptions{}.dtype(wide).device(x.device());
  // `at::tensor` writes no 16-bit numbers.
  const auto bounds = at::tensor(thresholds, torch::kDouble).to(options);
  const auto levels = at::tensor(values, torch::kDouble).to(options.dtype(x.scalar_type()));
  auto found = in_memory_order(x.to(wide), [&](const torch::Tensor& dense) {
    const auto place = at::bucketize(dense, bounds, true);
    return levels.index_select(0, place.flatten()).view(dense.sizes());
  });
  return found.add_(spoilt(x));
}

}  // namespace rolewise::detail
