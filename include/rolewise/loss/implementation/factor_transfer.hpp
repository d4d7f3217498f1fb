// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/factor_transfer.hpp>.

#include <rolewise/loss/factor_transfer.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/leaky_relu.h>

#include <algorithm>
#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE void convolution_stack::configure(const std::array<std::int64_t, 4>& channels,
                                                  form how, seed key, std::string_view caller)
{
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto in = channels[i], out = channels[i + 1];
    const std::array<std::int64_t, 4> sizes{how == form::plain ? out : in,
                                            how == form::plain ? in : out, 3, 3};
    if (weights[i]->defined()) {
      require_made_for(weights[i], sizes, caller);
      continue;
    }
    const double bound = 1.0 / std::sqrt(static_cast<double>(9 * sizes[1]));
    weights[i] = learned_uniform(sizes, key.split(purpose{names[2 * i]}), bound);
    biases[i] = learned_uniform({out}, key.split(purpose{names[2 * i + 1]}), bound);
  }
}

ROLEWISE_INLINE torch::Tensor convolution_stack::operator()(
    torch::Tensor x, form how, const std::array<owned_tensor, 6>* norms) const
{
  constexpr double momentum = 0.0, epsilon = 1e-5, slope = 0.1;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    x = how == form::plain ? at::conv2d(x, *weights[i], *biases[i], 1, 1)
                           : at::conv_transpose2d(x, *weights[i], *biases[i], 1, 1);
    if (norms)
      x = at::batch_norm(x, *(*norms)[2 * i], *(*norms)[2 * i + 1], {}, {}, true, momentum, epsilon,
                         false);
    x = at::leaky_relu(x, slope);
  }
  return x;
}

ROLEWISE_INLINE torch::Tensor factor_distance(const torch::Tensor& teacher,
                                              const torch::Tensor& student)
{
  const auto [t, s] = of_one_size(teacher, student);
  const auto map_of = [](const torch::Tensor& f) {
    return directions(f.square().mean(1).flatten(1));
  };
  return (map_of(s) - map_of(t)).abs().mean(1);
}

ROLEWISE_INLINE std::int64_t factor_channels(const std::vector<std::int64_t>& teacher,
                                             const std::vector<std::int64_t>& student, double rate,
                                             std::string_view caller)
{
  for (const auto* shape : {&teacher, &student})
    if (shape->size() != 3)
      throw_invalid_argument(caller, "want maps [C, H, W], got ", at::IntArrayRef{*shape});
  if (!(rate > 0.0) || !std::isfinite(rate))
    throw_invalid_argument(caller, "want a finite rate above 0, got ", rate);
  return std::max<std::int64_t>(1,
                                static_cast<std::int64_t>(static_cast<double>(teacher[0]) * rate));
}

}  // namespace rolewise::detail
