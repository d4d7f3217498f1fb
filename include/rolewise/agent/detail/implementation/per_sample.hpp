// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/per_sample.hpp>.

#include <rolewise/agent/detail/per_sample.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE const torch::Tensor& per_sample(std::string_view who, const torch::Tensor& value,
                                                std::int64_t n)
{
  if (!value.defined() || value.dim() != 1 || value.size(0) != n ||
      value.scalar_type() != torch::kDouble || !value.device().is_cpu())
    throw_invalid_argument(who, "want a parameter of float64 [", n, "] on the CPU, got ",
                           value.defined() ? classic_text(value.scalar_type(), " ", value.sizes(),
                                                          " on ", value.device())
                                           : "an undefined tensor");
  return value;
}

}  // namespace rolewise::detail
