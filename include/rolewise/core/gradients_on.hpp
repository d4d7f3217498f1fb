// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Enables gradients where the caller has disabled them.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>

#include <c10/core/InferenceMode.h>

#include <string_view>
#include <vector>

namespace rolewise::detail {

/// Guard that enables gradients for its lifetime, also under a `torch::NoGradGuard`.
class gradients_on {
 public:
  /// @throws std::invalid_argument under InferenceMode, whose tensors belong to no autograd graph
  explicit gradients_on(std::string_view who)
  {
    if (c10::InferenceMode::is_enabled())
      throw_invalid_argument(
          who,
          "is called under InferenceMode, in which no gradient can be had; leave it before, "
          "or say c10::InferenceMode off{false}");
  }

 private:
  torch::AutoGradMode on_{true};
};

/// @throws std::invalid_argument for a tensor that was made under InferenceMode
inline void require_learnable(std::string_view who, const std::vector<named_tensor>& learned)
{
  for (const auto& each : learned)
    if (each.value.defined() && each.value.is_inference())
      throw_invalid_argument(
          who, "'", each.name,
          "' was made under InferenceMode and cannot learn; make the student outside of it, or "
          "copy it there");
}

}  // namespace rolewise::detail
