// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/linear_classifier.hpp>.

#include <rolewise/network/linear_classifier.hpp>

#include <ATen/ops/linear.h>

#include <algorithm>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor linear_classifier::operator()(const torch::Tensor& x) const
{
  return at::linear(x.to(weight->scalar_type()), *weight, *bias);
}

namespace detail {

ROLEWISE_INLINE linear_classifier classifier_among(const std::vector<named_tensor>& parameters,
                                                   const std::string& name)
{
  const auto found = [&](const char* kind) -> torch::Tensor {
    const auto place = std::ranges::find(parameters, name + kind, &named_tensor::name);
    if (place == parameters.end()) return {};
    return place->value.detach().to(torch::kFloat).clone();
  };
  const auto weight = found(".weight"), bias = found(".bias");
  if (!weight.defined() || weight.dim() != 2)
    throw_invalid_argument("classifier_of", "want a linear layer with the parameter ", name,
                           ".weight [classes, D], ",
                           weight.defined() ? classic_text("its sizes are ", weight.sizes())
                                            : std::string{"the network has none of this name"});
  if (bias.defined() && (bias.dim() != 1 || bias.size(0) != weight.size(0)))
    throw_invalid_argument("classifier_of", "want ", name, ".bias [", weight.size(0),
                           "], its sizes are ", bias.sizes());
  return {owned_tensor{weight}, owned_tensor{bias}};
}

ROLEWISE_INLINE void require_full_precision(const std::vector<layer_report>& layers,
                                            std::string_view name)
{
  for (const auto& layer : layers)
    if (layer.place.name == name && layer.widths != layer_bits{})
      throw_invalid_argument("classifier_of", "want a classifier in full precision, ", name,
                             " has ", layer.widths.weights.value(), "-bit weights and ",
                             layer.widths.activations.value(), "-bit activations");
}

}  // namespace detail

}  // namespace rolewise
