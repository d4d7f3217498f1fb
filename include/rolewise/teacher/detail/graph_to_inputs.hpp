// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The autograd graph of a frozen teacher: to the inputs, if they ask for a gradient, or none.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise::detail {

/// Whether a gradient to the inputs is asked for: where gradients are enabled and the inputs
/// require one.
[[nodiscard]] ROLEWISE_INLINE bool wants_input_gradient(const batch& examples);

/// Guard that disables gradients for its lifetime, unless one to the inputs is asked for.
class graph_to_inputs {
 public:
  explicit graph_to_inputs(const batch& examples) : mode_{wants_input_gradient(examples)} {}

 private:
  torch::AutoGradMode mode_;
};

/// @throws std::invalid_argument if a gradient to the inputs is asked for and the logits or a
///         feature have no graph: it would be zero in silence
ROLEWISE_INLINE outputs with_graph_to_inputs(std::string_view who, const batch& examples,
                                             outputs found);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/teacher/detail/implementation/graph_to_inputs.hpp>
#endif
