// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/detail/run_passes.hpp>.

#include <rolewise/quant/detail/run_passes.hpp>

#include <rolewise/quant/detail/kernels/variants.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE bool fits_passes(const torch::Tensor& x)
{
  return x.device().is_cpu() && x.scalar_type() == torch::kFloat && x.layout() == torch::kStrided &&
         x.is_non_overlapping_and_dense() && !x.is_neg();
}

ROLEWISE_INLINE std::vector<double> blocks::by_row(const std::vector<double>& parts) const
{
  std::vector<double> sums(static_cast<std::size_t>(rows));
  const auto per_row = static_cast<std::size_t>(in_row());
  for (std::size_t block = 0; block < parts.size(); ++block) sums[block / per_row] += parts[block];
  return sums;
}

ROLEWISE_INLINE torch::Tensor laid_out_like(const torch::Tensor& x, const torch::Tensor& g)
{
  if (g.scalar_type() == x.scalar_type() && g.strides() == x.strides() && !g.is_neg()) return g;
  return at::empty_like(x, x.options().requires_grad(false)).copy_(g);
}

ROLEWISE_INLINE torch::Tensor place_for_gradient(const torch::Tensor& g)
{
  const bool is_ours = g.use_count() == 1 && g.storage().use_count() == 1 && !g.requires_grad();
  return is_ours ? g : at::empty_like(g);
}

}  // namespace rolewise::detail
