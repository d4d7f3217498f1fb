// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Rounding to the nearest of a few non-uniform levels.

#include <rolewise/core/tensor.hpp>

#include <ATen/ops/bucketize.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail {

/// Applies an elementwise `f` that requires and returns contiguous memory; channels-last images
/// keep their memory format.
template<typename F>
[[nodiscard]] torch::Tensor in_memory_order(const torch::Tensor& x, const F& f)
{
  if (x.dim() == 4 && x.is_contiguous(torch::MemoryFormat::ChannelsLast))
    return f(x.permute({0, 2, 3, 1})).permute({0, 3, 1, 2});
  return f(x.contiguous());
}

/// 0 where x is finite, else NaN: added to levels, it propagates non-finite inputs.
[[nodiscard]] inline torch::Tensor spoilt(const torch::Tensor& x) { return x - x; }

/// The code whose level, `code / codes.back()`, is nearest to x; ties go to the lower level. NaN
/// stays NaN.
/// @param x within [0, 1]
/// @param codes ascending, from 0
[[nodiscard]] inline torch::Tensor nearest_codes(const torch::Tensor& x,
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
  const auto bounds = at::tensor(thresholds, options);
  const auto levels = at::tensor(values, options.dtype(x.scalar_type()));
  auto found = in_memory_order(x.to(wide), [&](const torch::Tensor& dense) {
    const auto place = at::bucketize(dense, bounds, true);
    return levels.index_select(0, place.flatten()).view(dense.sizes());
  });
  return found.add_(spoilt(x));
}

}  // namespace rolewise::detail
