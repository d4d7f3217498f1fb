// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The backward pass with respect to a list of parameters alone.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>
#include <vector>

namespace rolewise::detail {

/// @throws std::invalid_argument unless the loss is a single number that has a graph
ROLEWISE_INLINE void require_loss(const torch::Tensor& loss, std::string_view caller);

/// Gradient of `loss` for each of the tensors; undefined where the loss does not depend on the
/// tensor or the tensor asks for none. Gradients lie in memory as their tensors do. No other leaf
/// of the graph gets a gradient, and `grad()` of the tensors is undefined afterwards.
/// @param keep_graph whether another backward pass through the same graph follows
[[nodiscard]] ROLEWISE_INLINE std::vector<torch::Tensor> backward_to(
    const std::vector<named_tensor>& parameters, const torch::Tensor& loss,
    bool keep_graph = false);

/// Gradient of `loss` for each of the tensors, all of which ask for one; undefined where the loss
/// does not depend on the tensor. `grad()` of the tensors stays as it is.
/// @param keep_graph whether another backward pass through the same graph follows
[[nodiscard]] ROLEWISE_INLINE std::vector<torch::Tensor> gradients_of(
    const torch::Tensor& loss, const std::vector<torch::Tensor>& tensors, bool keep_graph);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/backward_to.hpp>
#endif
