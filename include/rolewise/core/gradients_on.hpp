// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Enables gradients where the caller has disabled them.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <c10/core/InferenceMode.h>

#include <string_view>
#include <vector>

namespace rolewise::detail {

/// Guard that enables gradients for its lifetime, also under a `torch::NoGradGuard`.
class gradients_on {
 public:
  /// @throws std::invalid_argument under InferenceMode, whose tensors belong to no autograd graph
  explicit gradients_on(std::string_view who);

 private:
  torch::AutoGradMode on_{true};
};

/// @throws std::invalid_argument for a tensor that was made under InferenceMode
ROLEWISE_INLINE void require_learnable(std::string_view who,
                                       const std::vector<named_tensor>& learned);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/implementation/gradients_on.hpp>
#endif
