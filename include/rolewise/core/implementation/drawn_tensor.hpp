// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/drawn_tensor.hpp>.

#include <rolewise/core/drawn_tensor.hpp>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor uniform_tensor(at::IntArrayRef sizes, seed key, double bound)
{
  const auto drawn = at::empty(sizes, torch::kFloat);
  auto* const out = drawn.mutable_data_ptr<float>();
  const draws of{key, 0, 0};
  for (std::int64_t i = 0; i < drawn.numel(); ++i)
    out[i] = static_cast<float>(of.uniform(static_cast<std::uint64_t>(i), -bound, bound));
  return drawn;
}

}  // namespace rolewise
