// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/batch_norm.hpp>.

#include <rolewise/network/batch_norm.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/var_mean.h>

#include <utility>

namespace rolewise {

ROLEWISE_INLINE detail::deferred_batch_norm batch_norm::pending(const torch::Tensor& x, phase when)
{
  if (is_as_asked(when)) when = phase::evaluation;
  if (when != phase::evaluation) require_values(x);
  const auto normalize = [&](const torch::Tensor& mean, const torch::Tensor& variance) {
    return at::batch_norm(x, weight_, bias_, mean, variance, when != phase::evaluation,
                          options_.momentum, options_.epsilon,
                          at::globalContext().userEnabledCuDNN());
  };
  if (when == phase::training && has_kernels_for(x)) return by_kernels(x);
  if (when == phase::evaluation && has_kernels_for(x)) return by_running_statistics(x);
  if (when == phase::evaluation) return normalize(running_mean_, running_variance_);
  if (when == phase::training) return normalize(moved(running_mean_), moved(running_variance_));
  pool(x);
  return normalize({}, {});
}

ROLEWISE_INLINE torch::Tensor batch_norm::moved(const torch::Tensor& running)
{
  auto unversioned = running.variable_data();
  running.unsafeGetTensorImpl()->bump_version();
  return unversioned;
}

ROLEWISE_INLINE void batch_norm::cast(torch::ScalarType type)
{
  if (c10::isReducedFloatingType(type)) type = torch::kFloat;
  for (auto* t : {&weight_, &bias_, &running_mean_, &running_variance_})
    *t = t->detach().to(type).set_requires_grad(t->requires_grad());
}

ROLEWISE_INLINE bool batch_norm::has_kernels_for(const torch::Tensor& x) const
{
  const auto& scale = weight_;
  return detail::fits_norm_passes(x) && scale.is_cpu() && scale.scalar_type() == torch::kFloat &&
         scale.is_contiguous() && bias_.is_contiguous() && scale.numel() == x.size(1);
}

ROLEWISE_INLINE detail::deferred_batch_norm batch_norm::by_kernels(const torch::Tensor& x)
{
  const auto found = detail::moments_of(x);
  const double count = static_cast<double>(x.numel() / x.size(1));
  const torch::NoGradGuard without_graph;
  const auto move = [&](torch::Tensor& running, const std::vector<double>& newest, double times) {
    const auto value = at::tensor(newest, torch::kDouble);
    running.mul_(1.0 - options_.momentum).add_(value, options_.momentum * times);
  };
  move(running_mean_, found.mean, 1.0);
  move(running_variance_, found.variance, count / (count - 1.0));
  return {x, weight_, bias_, {found, weight_, bias_, options_.epsilon}, options_.epsilon};
}

ROLEWISE_INLINE bool batch_norm::wants_gradient(const torch::Tensor& x) const
{
  return at::GradMode::is_enabled() &&
         (x.requires_grad() || weight_.requires_grad() || bias_.requires_grad());
}

ROLEWISE_INLINE detail::deferred_batch_norm batch_norm::by_running_statistics(
    const torch::Tensor& x) const
{
  const auto factor = folding(), shift = bias_ - running_mean_ * factor;
  // The kernels have no backward pass by running statistics; these operations have their bits.
  if (wants_gradient(x)) return (x * beside_channels(factor, x)).add_(beside_channels(shift, x));
  const auto numbers = [](const torch::Tensor& of_channels) {
    const auto row = of_channels.contiguous();
    const auto* const first = row.const_data_ptr<float>();
    return std::vector<float>(first, first + row.numel());
  };
  detail::norm_lines lines;
  lines.mean = numbers(running_mean_);
  lines.factor = numbers(factor);
  lines.shift = numbers(shift);
  return {x, weight_, bias_, std::move(lines), options_.epsilon};
}

ROLEWISE_INLINE std::vector<std::int64_t> batch_norm::axes_of(const torch::Tensor& x)
{
  std::vector<std::int64_t> axes{0};
  for (std::int64_t d = 2; d < x.dim(); ++d) axes.push_back(d);
  return axes;
}

ROLEWISE_INLINE torch::Tensor batch_norm::beside_channels(const torch::Tensor& each,
                                                          const torch::Tensor& x)
{
  std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
  shape[1] = -1;
  return each.to(x.scalar_type()).view(shape);
}

ROLEWISE_INLINE void batch_norm::require_values(const torch::Tensor& x)
{
  if (x.numel() == x.size(1))
    throw_invalid_argument("batch_norm", "want more than one value per channel in training, got ",
                           x.sizes());
}

ROLEWISE_INLINE void batch_norm::pool(const torch::Tensor& x)
{
  const torch::NoGradGuard without_graph;
  const double count = static_cast<double>(x.numel() / x.size(1));
  const auto [variance, mean] = at::var_mean(x.to(torch::kDouble), axes_of(x), false);
  const auto squares = variance * count;
  if (seen_.count == 0.0) {
    seen_ = {count, mean, squares};
  } else {
    const double all = seen_.count + count;
    const auto apart = mean - seen_.mean;
    seen_.squares = seen_.squares + squares + apart.square() * (seen_.count * count / all);
    seen_.mean = seen_.mean + apart * (count / all);
    seen_.count = all;
  }
  running_mean_.copy_(seen_.mean);
  running_variance_.copy_(seen_.squares / (seen_.count - 1.0));
}

ROLEWISE_INLINE torch::Tensor batch_norm::of_folded(const torch::Tensor& y,
                                                    const torch::Tensor& unfolded, phase when)
{
  require_values(unfolded);
  const auto x =
      c10::isReducedFloatingType(unfolded.scalar_type()) ? unfolded.to(torch::kFloat) : unfolded;
  const auto [variance, mean] = at::var_mean(x, axes_of(x), false);
  const auto inverse = (variance + options_.epsilon).rsqrt();
  const auto undo = inverse * (running_variance_ + options_.epsilon).sqrt();
  const auto result =
      y * beside_channels(undo, y) + beside_channels(bias_ - weight_ * mean * inverse, y);
  const torch::NoGradGuard without_graph;
  if (when == phase::statistics) {
    pool(x);
  } else {
    const auto count = static_cast<double>(x.numel() / x.size(1));
    running_mean_.lerp_(mean.to(running_mean_.scalar_type()), options_.momentum);
    running_variance_.lerp_((variance * (count / (count - 1))).to(running_variance_.scalar_type()),
                            options_.momentum);
  }
  return result;
}

}  // namespace rolewise
