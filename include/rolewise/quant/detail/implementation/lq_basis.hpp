// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/detail/lq_basis.hpp>.

#include <rolewise/quant/detail/lq_basis.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/searchsorted.h>

#include <cmath>
#include <tuple>

namespace rolewise::detail {

ROLEWISE_INLINE void lq_basis::observe(const torch::Tensor& rows, const torch::Tensor& first)
{
  const torch::NoGradGuard without_graph;
  if (fits(stored_, first)) {
    in_use_ = stored_;
  } else {
    in_use_ = first;
    fits_ = 0;
  }
  const auto fitted = fit(rows);
  ++fits_;
  const double share = corrected_ ? 0.1 / (1.0 - std::pow(0.9, static_cast<double>(fits_))) : 0.1;
  stored_ = in_use_ + (fitted - in_use_) * share;
}

ROLEWISE_INLINE std::pair<torch::Tensor, torch::Tensor> lq_basis::levels_of(
    const torch::Tensor& rows, const torch::Tensor& first) const
{
  const auto [levels, codes] = sorted_levels(fits(in_use_, first) ? in_use_ : first);
  const auto found = levels.gather(1, places(rows, levels)).add_(spoilt(rows));
  return {found, levels.amax()};
}

ROLEWISE_INLINE torch::Tensor lq_basis::codes(const torch::Tensor& basis) const
{
  const auto bits = basis.size(1);
  const auto numbers = at::arange(
      std::int64_t{1} << bits, torch::TensorOptions{}.dtype(torch::kLong).device(basis.device()));
  const auto set = numbers.unsqueeze(1)
                       .bitwise_right_shift(at::arange(bits, numbers.options()).unsqueeze(0))
                       .bitwise_and(1)
                       .to(basis.scalar_type());
  return is_signed_ ? set * 2 - 1 : set;
}

ROLEWISE_INLINE std::pair<torch::Tensor, torch::Tensor> lq_basis::sorted_levels(
    const torch::Tensor& basis) const
{
  const auto all = codes(basis);
  const auto [levels, order] = basis.matmul(all.t()).sort(1);
  return {levels, all.index_select(0, order.flatten()).view({basis.size(0), -1, basis.size(1)})};
}

ROLEWISE_INLINE torch::Tensor lq_basis::places(const torch::Tensor& rows,
                                               const torch::Tensor& levels)
{
  const auto count = levels.size(1);
  const auto thresholds = (levels.narrow(1, 0, count - 1) + levels.narrow(1, 1, count - 1)) / 2;
  return at::searchsorted(thresholds, rows.to(levels.scalar_type()));
}

ROLEWISE_INLINE torch::Tensor lq_basis::fit(const torch::Tensor& rows) const
{
  const auto [levels, code] = sorted_levels(in_use_);
  const auto place = places(rows, levels);
  const auto wide = rows.device().is_mps() ? torch::kFloat : torch::kDouble;
  const auto none = at::zeros(levels.sizes(), levels.options().dtype(wide));
  const auto count =
      none.scatter_add(1, place, at::ones({1, 1}, none.options()).expand(rows.sizes()));
  const auto sum = none.scatter_add(1, place, rows.to(wide));
  const auto e = code.to(wide), basis = in_use_.to(wide);
  const auto transposed = e.transpose(1, 2);
  const auto left = transposed.matmul(e * count.unsqueeze(2)) +
                    epsilon_ * at::eye(basis.size(1), basis.options());
  const auto right = transposed.matmul(sum.unsqueeze(2)) + epsilon_ * basis.unsqueeze(2);
  const auto fitted = at::linalg_solve(left, right).squeeze(2);
  // With +-1 codes the sign of a basis entry is arbitrary.
  const auto positive = is_signed_ ? fitted.abs() : fitted.clamp_min(0);
  return std::get<0>(positive.sort(1)).to(in_use_.scalar_type());
}

ROLEWISE_INLINE torch::Tensor first_basis(const torch::Tensor& like, std::int64_t granules,
                                          bit_width bits, double unit)
{
  if (bits.value() > 8)
    throw_invalid_argument("lq-nets", "has bases of 1 to 8 bits, was asked for ", bits.value());
  const auto type = like.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
  std::vector<double> basis;
  for (int j = 0; j < bits.value(); ++j) basis.push_back(unit * std::exp2(j));
  return at::tensor(basis, torch::TensorOptions{}.dtype(type).device(like.device()))
      .expand({granules, bits.value()});
}

}  // namespace rolewise::detail
