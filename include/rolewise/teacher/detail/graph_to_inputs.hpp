// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The autograd graph of a frozen teacher: to the inputs, if they ask for a gradient, or none.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>

#include <string_view>

namespace rolewise::detail {

/// Whether a gradient to the inputs is asked for: where gradients are enabled and the inputs
/// require one.
[[nodiscard]] inline bool wants_input_gradient(const batch& examples)
{
  return torch::GradMode::is_enabled() && examples.inputs.defined() &&
         examples.inputs.requires_grad();
}

/// Guard that disables gradients for its lifetime, unless one to the inputs is asked for.
class graph_to_inputs {
 public:
  explicit graph_to_inputs(const batch& examples) : mode_{wants_input_gradient(examples)} {}

 private:
  torch::AutoGradMode mode_;
};

/// @throws std::invalid_argument if a gradient to the inputs is asked for and the logits or a
///         feature have no graph: it would be zero in silence
inline outputs with_graph_to_inputs(std::string_view who, const batch& examples, outputs found)
{
  if (wants_input_gradient(examples) && found.logits.defined() && !found.logits.requires_grad())
    throw_invalid_argument(who,
                           "the inputs require a gradient, and this network computes none to "
                           "its inputs (8-bit networks do not); detach the inputs, or take the "
                           "network in floating point");
  if (wants_input_gradient(examples))
    for (const auto& [id, value] : found.features)
      if (!value.requires_grad())
        throw_invalid_argument(who, "the inputs require a gradient, and ", tap_name{id}.view(),
                               " has no graph to them; detach the inputs, or do not want it");
  return found;
}

}  // namespace rolewise::detail
