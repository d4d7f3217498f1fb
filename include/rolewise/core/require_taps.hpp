// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Run-time checks of taps: wanted ones are offered, and the outputs have these and no others.

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rolewise::detail {

/// @throws std::invalid_argument that names the taps that are wanted and not offered
ROLEWISE_INLINE void require_offered(std::string_view who, const taps& offered, const taps& wanted);

/// dtype and sizes of a tensor, for messages.
[[nodiscard]] inline std::string form_of(const torch::Tensor& t)
{
  return t.defined() ? classic_text(t.scalar_type(), " ", t.sizes()) : "an undefined tensor";
}

/// Checks what a network returned for `count` examples, and drops the features that are not wanted.
/// @throws std::invalid_argument unless the logits are floating-point `[N, C]`, `[N, C, L]` or
///         `[N, C, H, W]` and each wanted tap is there, with N as its first axis
[[nodiscard]] ROLEWISE_INLINE outputs delivered(std::string_view who, outputs found,
                                                const taps& wanted, std::int64_t count);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/implementation/require_taps.hpp>
#endif
