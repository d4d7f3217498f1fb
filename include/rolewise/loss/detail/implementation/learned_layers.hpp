// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/learned_layers.hpp>.

#include <rolewise/loss/detail/learned_layers.hpp>

#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE owned_tensor learned_uniform(at::IntArrayRef sizes, seed key, double bound)
{
  return owned_tensor{uniform_tensor(sizes, key, bound).set_requires_grad(true)};
}

ROLEWISE_INLINE void require_configured(const owned_tensor& layer, std::string_view caller)
{
  if (!layer->defined())
    throw_invalid_argument(caller, "was not configured: the training step does it before its ",
                           "optimizer starts");
}

ROLEWISE_INLINE void require_made_for(const owned_tensor& layer, at::IntArrayRef sizes,
                                      std::string_view caller)
{
  if (layer->sizes() != sizes)
    throw_invalid_argument(caller, "was made with weights ", layer->sizes(),
                           ", these features want ", sizes);
}

ROLEWISE_INLINE void linear_layer::configure(const std::vector<std::int64_t>& features,
                                             std::int64_t out, seed key, std::string_view caller)
{
  if (out < 1) throw_invalid_argument(caller, "want an embedding of at least 1 number, got ", out);
  std::int64_t in = 1;
  for (const auto size : features) in *= size;
  if (weight->defined()) return require_made_for(weight, {out, in}, caller);
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  weight = learned_uniform({out, in}, key.split(purpose{"weight"}), bound);
  bias = learned_uniform({out}, key.split(purpose{"bias"}), bound);
}

ROLEWISE_INLINE torch::Tensor linear_layer::operator()(const torch::Tensor& x,
                                                       std::string_view caller) const
{
  require_configured(weight, caller);
  return at::linear(x.to(weight->scalar_type()), *weight, *bias);
}

}  // namespace rolewise::detail
