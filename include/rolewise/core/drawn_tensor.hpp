// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tensors of random draws as a function of a seed, for the first values of parameters.

#include <rolewise/core/draws.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/tensor.hpp>

#include <cstdint>

namespace rolewise {

/// A float tensor of the given sizes, on the CPU, drawn uniformly from -bound .. bound. Equal
/// seeds and numbers of elements give equal values, independent of LibTorch's generator.
[[nodiscard]] inline torch::Tensor uniform_tensor(at::IntArrayRef sizes, seed key, double bound)
{
  const auto drawn = at::empty(sizes, torch::kFloat);
  auto* const out = drawn.mutable_data_ptr<float>();
  const draws of{key, 0, 0};
  for (std::int64_t i = 0; i < drawn.numel(); ++i)
    out[i] = static_cast<float>(of.uniform(static_cast<std::uint64_t>(i), -bound, bound));
  return drawn;
}

}  // namespace rolewise
