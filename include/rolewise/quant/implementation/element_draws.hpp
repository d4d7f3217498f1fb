// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/element_draws.hpp>.

#include <rolewise/quant/element_draws.hpp>

#include <rolewise/support/parallel_for.hpp>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor uniform_for_elements(seed key, std::int64_t step,
                                                   const torch::Tensor& x)
{
  const auto result = at::empty(x.sizes(), torch::kFloat);
  auto* const out = result.mutable_data_ptr<float>();
  const draws of_step{key, step, 0};
  detail::parallel_for_ranges(result.numel(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i)
      out[i] = static_cast<float>(of_step.uniform(static_cast<std::uint64_t>(i)));
  });
  return result.to(x.device());
}

}  // namespace rolewise
