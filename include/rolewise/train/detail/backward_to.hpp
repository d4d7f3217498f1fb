// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The backward pass with respect to a list of parameters alone.

#include <rolewise/core/autograd.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>

#include <optional>
#include <vector>

namespace rolewise::detail {

/// Gradient of `loss` for each of the tensors; undefined where the loss does not depend on the
/// tensor or the tensor asks for none. Gradients lie in memory as their tensors do. No other leaf
/// of the graph gets a gradient, and `grad()` of the tensors is undefined afterwards.
/// @param keep_graph whether another backward pass through the same graph follows
[[nodiscard]] inline std::vector<torch::Tensor> backward_to(
    const std::vector<named_tensor>& parameters, const torch::Tensor& loss, bool keep_graph = false)
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

}  // namespace rolewise::detail
