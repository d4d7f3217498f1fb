// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Argument checks of losses on logits.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <c10/core/ScalarType.h>

#include <string_view>

namespace rolewise::detail {

ROLEWISE_INLINE void require_logits(const torch::Tensor& logits, std::string_view caller);

/// Returns 16-bit logits in single precision: sums over examples and classes would overflow
/// before the division.
[[nodiscard]] inline torch::Tensor wide_enough(const torch::Tensor& logits)
{
  return c10::isReducedFloatingType(logits.scalar_type()) ? logits.to(torch::kFloat) : logits;
}

/// Rejects pairs that LibTorch would broadcast or convert silently.
ROLEWISE_INLINE void require_alike(const torch::Tensor& teacher, const torch::Tensor& student,
                                   std::string_view caller);

/// @throws std::invalid_argument for logits of one class, where a loss relates classes
ROLEWISE_INLINE void require_two_classes(const torch::Tensor& logits, std::string_view caller);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/require_logits.hpp>
#endif
