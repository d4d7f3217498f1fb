// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/convolution_norm.hpp>.

#include <rolewise/loss/detail/convolution_norm.hpp>

#include <rolewise/loss/detail/learned_layers.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/batch_norm.h>

#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE void require_map_shapes(const std::vector<std::int64_t>& teacher,
                                        const std::vector<std::int64_t>& student,
                                        std::string_view caller)
{
  for (const auto* shape : {&teacher, &student})
    if (shape->size() != 3)
      throw_invalid_argument(caller, "want maps [C, H, W], got ", at::IntArrayRef{*shape});
}

ROLEWISE_INLINE void convolution_norm::configure(std::int64_t in, std::int64_t out,
                                                 std::int64_t side, seed key,
                                                 std::string_view caller)
{
  const std::array<std::int64_t, 4> sizes{out, in, side, side};
  if (weight->defined()) return require_made_for(weight, sizes, caller);
  weight = learned_uniform(sizes, key, 1.0 / std::sqrt(static_cast<double>(in * side * side)));
  scale = owned_tensor{at::ones({out}).set_requires_grad(true)};
  shift = owned_tensor{at::zeros({out}).set_requires_grad(true)};
}

ROLEWISE_INLINE torch::Tensor convolution_norm::operator()(const torch::Tensor& x,
                                                           std::string_view caller) const
{
  require_configured(weight, caller);
  constexpr double momentum = 0.0, epsilon = 1e-5;
  const auto y = at::conv2d(x.to(weight->scalar_type()), *weight, {}, 1, weight->size(2) / 2);
  return at::batch_norm(y, *scale, *shift, {}, {}, true, momentum, epsilon, false);
}

ROLEWISE_INLINE void biased_convolution::configure(std::int64_t in, std::int64_t out,
                                                   std::int64_t side, seed key,
                                                   std::string_view caller)
{
  const std::array<std::int64_t, 4> sizes{out, in, side, side};
  if (weight->defined()) return require_made_for(weight, sizes, caller);
  const double bound = 1.0 / std::sqrt(static_cast<double>(in * side * side));
  weight = learned_uniform(sizes, key.split(purpose{"weight"}), bound);
  bias = learned_uniform({out}, key.split(purpose{"bias"}), bound);
}

ROLEWISE_INLINE torch::Tensor biased_convolution::operator()(const torch::Tensor& x,
                                                             std::string_view caller) const
{
  require_configured(weight, caller);
  return at::conv2d(x.to(weight->scalar_type()), *weight, *bias, 1, weight->size(2) / 2);
}

}  // namespace rolewise::detail
