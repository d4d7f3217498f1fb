// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Gradients by finite differences.

#include <rolewise/core/tensor.hpp>

#include <torch/types.h>

#include <cstdint>

namespace rolewise::testing {

/// The gradient of a scalar function at `x` (float64) by central differences.
template<typename F>
[[nodiscard]] torch::Tensor finite_differences(F&& f, const torch::Tensor& x, double step = 1e-5)
{
  const torch::NoGradGuard no_graph;
  const auto moved = x.detach().clone().contiguous();
  auto slope = torch::zeros_like(moved);
  auto* value = moved.mutable_data_ptr<double>();
  auto* out = slope.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < moved.numel(); ++i) {
    const double here = value[i];
    value[i] = here + step;
    const double above = f(moved).template item<double>();
    value[i] = here - step;
    const double below = f(moved).template item<double>();
    value[i] = here;
    out[i] = (above - below) / (2.0 * step);
  }
  return slope;
}

}  // namespace rolewise::testing
