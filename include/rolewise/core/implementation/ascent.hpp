// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/ascent.hpp>.

#include <rolewise/core/ascent.hpp>

#include <rolewise/core/autograd.hpp>
#include <rolewise/core/gradients_on.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/empty.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

namespace rolewise {

namespace detail {

/// One number for each example, in the place of all its values.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor beside_values(const torch::Tensor& of_examples,
                                                          const torch::Tensor& x)
{
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(x.dim()), 1);
  sizes[0] = -1;
  return of_examples.view(sizes);
}

/// The norm of each example, `[N]`; squares of small and large values leave no range.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor norms_of(const torch::Tensor& x)
{
  const auto rows = x.reshape({x.size(0), -1});
  const auto largest = rows.abs().amax(1, true);
  const auto scale = at::where(largest > 0, largest, at::ones_like(largest));
  return largest.squeeze(1) * (rows / scale).square().sum(1).sqrt();
}

/// eta of each example, beside its values.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor step_sizes(const ascent& by, const torch::Tensor& x,
                                                       const torch::Tensor& slope)
{
  const auto of_slope = norms_of(slope);
  if (by.unit == ascent_unit::absolute) return beside_values(at::full_like(of_slope, by.rate), x);
  const auto moves = of_slope > 0;
  const auto eta = by.rate * norms_of(x) / at::where(moves, of_slope, at::ones_like(of_slope));
  return beside_values(at::where(moves, eta, at::zeros_like(eta)), x);
}

[[nodiscard]] ROLEWISE_INLINE torch::Tensor bound_of(const std::vector<double>& values,
                                                     const torch::Tensor& x)
{
  auto bound = at::empty({static_cast<std::int64_t>(values.size())}, torch::kDouble);
  std::copy(values.begin(), values.end(), bound.mutable_data_ptr<double>());
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(x.dim()), 1);
  if (values.size() > 1) sizes[1] = -1;
  return bound.to(x.scalar_type()).to(x.device()).view(sizes);
}

ROLEWISE_INLINE void require_range(const input_range& range, const torch::Tensor& x)
{
  const auto count = range.low.size();
  const bool fits =
      count == 1 || (x.dim() > 1 && static_cast<std::int64_t>(count) == x.size(1) && count > 0);
  if (!fits || range.high.size() != count)
    throw_invalid_argument("ascent", "want .within with one low and high or one for each channel, ",
                           "got ", count, " and ", range.high.size(), " for inputs ", x.sizes());
  for (std::size_t i = 0; i < count; ++i)
    if (!(range.low[i] <= range.high[i]))
      throw_invalid_argument("ascent", "want .within from low to high, got ", range.low[i], " to ",
                             range.high[i]);
}

ROLEWISE_INLINE void require_ascent(const ascent& by, const torch::Tensor& x,
                                    const torch::Tensor& movable)
{
  if (by.steps < 1) throw_invalid_argument("ascent", "want .steps of at least 1, got ", by.steps);
  if (!(by.rate > 0.0) || !std::isfinite(by.rate))
    throw_invalid_argument("ascent", "want a finite .rate above 0, got ", by.rate);
  if (!x.defined() || x.dim() < 1 || !x.is_floating_point())
    throw_invalid_argument("ascent", "want inputs [N, ...] of floating point, got ",
                           x.defined() ? classic_text(x.sizes(), " of ", x.scalar_type())
                                       : std::string{"an undefined tensor"},
                           "; tokens move as embeddings, images once they are normalized");
  if (movable.defined() && movable.scalar_type() != torch::kBool)
    throw_invalid_argument("ascent", "want what may move as bool, got ", movable.scalar_type());
  if (by.within) require_range(*by.within, x);
}

/// The gradient of each example's own term at x, 0 where it may not move.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor slope_at(
    const torch::Tensor& x, const std::function<torch::Tensor(const torch::Tensor&)>& function,
    const torch::Tensor& movable)
{
  const auto leaf = x.detach().clone().set_requires_grad(true);
  const auto value = function(leaf);
  if (!value.defined() || value.dim() != 0)
    throw_invalid_argument(
        "ascent", "want one number [], the mean over examples, got ",
        value.defined() ? classic_text(value.sizes()) : std::string{"an undefined tensor"});
  torch::Tensor slope;
  if (value.requires_grad()) slope = torch::autograd::grad({value}, {leaf}, {}, {}, false, true)[0];
  if (!slope.defined()) throw_invalid_argument("ascent", "the function has no graph to its inputs");
  slope = slope * static_cast<double>(x.size(0));
  return movable.defined() ? slope.masked_fill(movable.logical_not(), 0) : slope;
}

}  // namespace detail

ROLEWISE_INLINE input_range pixel_range(const normalization& by)
{
  const auto count = std::max({by.mean.size(), by.std.size(), std::size_t{1}});
  if ((!by.mean.empty() && by.mean.size() != count) || (!by.std.empty() && by.std.size() != count))
    throw_invalid_argument("pixel_range", "want as many means as deviations, got ", by.mean.size(),
                           " and ", by.std.size());
  for (const auto& deviation : by.std)
    if (!(deviation > 0.0))
      throw_invalid_argument("pixel_range", "want deviations above 0, got ", deviation);
  input_range range;
  for (std::size_t c = 0; c < count; ++c) {
    const double mean = by.mean.empty() ? 0.0 : by.mean.at(c);
    const double std = by.std.empty() ? 1.0 : by.std.at(c);
    range.low.push_back((0.0 - mean) / std);
    range.high.push_back((1.0 - mean) / std);
  }
  return range;
}

ROLEWISE_INLINE torch::Tensor ascent::operator()(
    const torch::Tensor& start, const std::function<torch::Tensor(const torch::Tensor&)>& function,
    const torch::Tensor& movable) const
{
  detail::require_ascent(*this, start, movable);
  const detail::gradients_on for_now{"ascent"};
  auto x = start.detach();
  if (x.numel() == 0) return x;
  torch::Tensor eta, low, high;
  if (within) {
    low = detail::bound_of(within->low, x);
    high = detail::bound_of(within->high, x);
  }
  for (std::int64_t i = 0; i < steps; ++i) {
    const auto slope = detail::slope_at(x, function, movable);
    const torch::NoGradGuard without_graph;
    if (i == 0)
      eta = detail::step_sizes(
          *this, movable.defined() ? x.masked_fill(movable.logical_not(), 0) : x, slope);
    auto next = x + eta * slope;
    if (within) next = at::minimum(at::maximum(next, low), high);
    const auto is_finite = next.reshape({next.size(0), -1}).isfinite().all(1);
    const auto moves = detail::beside_values(is_finite, x);
    x = at::where(movable.defined() ? moves.logical_and(movable) : moves, next, x);
  }
  return x;
}

}  // namespace rolewise
