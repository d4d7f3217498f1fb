// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/gradients_on.hpp>.

#include <rolewise/core/gradients_on.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE gradients_on::gradients_on(std::string_view who)
{
  if (c10::InferenceMode::is_enabled())
    throw_invalid_argument(
        who,
        "is called under InferenceMode, in which no gradient can be had; leave it before, "
        "or say c10::InferenceMode off{false}");
}

ROLEWISE_INLINE void require_learnable(std::string_view who,
                                       const std::vector<named_tensor>& learned)
{
  for (const auto& each : learned)
    if (each.value.defined() && each.value.is_inference())
      throw_invalid_argument(
          who, "'", each.name,
          "' was made under InferenceMode and cannot learn; make the student outside of it, or "
          "copy it there");
}

}  // namespace rolewise::detail
