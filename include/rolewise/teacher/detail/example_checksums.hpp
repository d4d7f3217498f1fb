// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checksums of the inputs of each example, which tell one view from another.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail {

/// Adds the bytes of each example of a dense tensor on the CPU to the checksum of that example.
ROLEWISE_INLINE void add_examples(std::vector<checksum>& sums, const torch::Tensor& all);

/// Checksum of each example as the network receives it: of images normalized, in float32, channels
/// last; of token indices or a vector, with the mask if there is one.
[[nodiscard]] ROLEWISE_INLINE std::vector<std::uint64_t> example_checksums(const batch& examples);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/teacher/detail/implementation/example_checksums.hpp>
#endif
