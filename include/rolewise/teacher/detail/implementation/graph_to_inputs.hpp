// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/teacher/detail/graph_to_inputs.hpp>.

#include <rolewise/teacher/detail/graph_to_inputs.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE bool wants_input_gradient(const batch& examples)
{
  return torch::GradMode::is_enabled() && examples.inputs.defined() &&
         examples.inputs.requires_grad();
}

ROLEWISE_INLINE outputs with_graph_to_inputs(std::string_view who, const batch& examples,
                                             outputs found)
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
