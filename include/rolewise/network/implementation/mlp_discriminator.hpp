// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/mlp_discriminator.hpp>.

#include <rolewise/network/mlp_discriminator.hpp>

#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linear.h>

#include <cmath>
#include <string_view>

namespace rolewise {

ROLEWISE_INLINE mlp_discriminator::mlp_discriminator(std::int64_t size,
                                                     const mlp_discriminator_options& options)
    : size_{size}, options_{options}
{
  if (size < 1 || options.hidden < 1)
    throw_invalid_argument("mlp_discriminator", "want vectors and hidden layers of at least 1 ",
                           "number, got ", size, " and ", options.hidden);
  const auto drawn = [&](at::IntArrayRef sizes, std::int64_t fan_in, std::string_view name) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
    return owned_tensor{
        uniform_tensor(sizes, options.seed.split(purpose{name}), bound).set_requires_grad(true)};
  };
  const auto hidden = options.hidden;
  weight1_ = drawn({hidden, size}, size, "discriminator hidden1.weight");
  bias1_ = drawn({hidden}, size, "discriminator hidden1.bias");
  weight2_ = drawn({hidden, hidden}, hidden, "discriminator hidden2.weight");
  bias2_ = drawn({hidden}, hidden, "discriminator hidden2.bias");
  weight3_ = drawn({1, hidden}, hidden, "discriminator last.weight");
  bias3_ = drawn({1}, hidden, "discriminator last.bias");
  if (!options.begins_at_zero) return;
  const torch::NoGradGuard without_graph;
  weight3_->zero_();
  bias3_->zero_();
}

ROLEWISE_INLINE torch::Tensor mlp_discriminator::operator()(const torch::Tensor& x) const
{
  if (x.dim() != 2 || x.size(1) != size_ || !x.is_floating_point())
    throw_invalid_argument("mlp_discriminator", "want vectors [N, ", size_,
                           "] of floating point, got ", x.sizes(), " of ", x.scalar_type());
  const auto first =
      at::leaky_relu(at::linear(x.to(weight1_->scalar_type()), *weight1_, *bias1_), options_.slope);
  const auto second = at::leaky_relu(at::linear(first, *weight2_, *bias2_), options_.slope);
  return at::linear(second, *weight3_, *bias3_).squeeze(1);
}

}  // namespace rolewise
