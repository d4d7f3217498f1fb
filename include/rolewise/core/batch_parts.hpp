// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Parts of batches, and batches joined along N.

#include <rolewise/core/batch.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <vector>

namespace rolewise {

/// The examples `first` .. `first + count` - 1 of a batch, which share its memory.
/// @pre 0 <= first, first + count <= N
[[nodiscard]] ROLEWISE_INLINE batch examples_between(const batch& all, std::int64_t first,
                                                     std::int64_t count);

/// The examples of a batch at some places, which may repeat. A cycle number (`batch::view`) is
/// dropped.
/// @param places `[M]` int64, each in 0 .. N - 1
[[nodiscard]] ROLEWISE_INLINE batch examples_at(const batch& all, const torch::Tensor& places);

/// Joins views of one data set along N, in their order. A cycle number is dropped.
/// @throws std::invalid_argument for no view, or views of which some have labels, partners, a mask
///         or weights and others do not
[[nodiscard]] ROLEWISE_INLINE batch joined(const std::vector<batch>& views);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/implementation/batch_parts.hpp>
#endif
