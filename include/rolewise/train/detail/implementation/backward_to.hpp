// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/backward_to.hpp>.

#include <rolewise/train/detail/backward_to.hpp>

#include <rolewise/core/autograd.hpp>
#include <rolewise/support/error.hpp>

#include <optional>

namespace rolewise::detail {

ROLEWISE_INLINE void require_loss(const torch::Tensor& loss, std::string_view caller)
{
  if (!loss.defined())
    throw_invalid_argument(caller, "wants a loss [] of floating point, got none");
  if (loss.dim() != 0 || !loss.is_floating_point())
    throw_invalid_argument(caller, "wants a loss [] of floating point, got ", loss.sizes(), " of ",
                           loss.scalar_type());
  if (!loss.requires_grad())
    throw_invalid_argument(caller, "the loss has no graph; it was computed from no parameter, ",
                           "or with gradients disabled");
}

ROLEWISE_INLINE std::vector<torch::Tensor> backward_to(const std::vector<named_tensor>& parameters,
                                                       const torch::Tensor& loss, bool keep_graph)
{
  std::vector<torch::Tensor> inputs, found;
  inputs.reserve(parameters.size());
  found.reserve(parameters.size());
  for (const auto& p : parameters) {
    // A gradient that is left from elsewhere would be added to.
    p.value.mutable_grad() = torch::Tensor{};
    if (p.value.requires_grad()) inputs.push_back(p.value);
  }
  // Without inputs LibTorch would reach every leaf.
  if (!inputs.empty()) torch::autograd::backward({loss}, {}, keep_graph, false, inputs);
  for (const auto& p : parameters) {
    found.push_back(p.value.grad());
    p.value.mutable_grad() = torch::Tensor{};
  }
  return found;
}

ROLEWISE_INLINE std::vector<torch::Tensor> gradients_of(const torch::Tensor& loss,
                                                        const std::vector<torch::Tensor>& tensors,
                                                        bool keep_graph)
{
  return torch::autograd::grad({loss}, tensors, {}, keep_graph, false, true);
}

}  // namespace rolewise::detail
