// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// In what the backward pass of quantised convolutions computes.

#include <cstdint>

namespace rolewise {

/// The forward pass is the same with both.
enum class backward_precision : std::uint8_t {
  full,  ///< the type of the values
  /// About half the time of single precision where the processor has bfloat16. The incoming
  /// gradient is rounded to its 8 bits, levels up to 256 are exact, sums are kept in single
  /// precision and rounded once; what comes out is in the type of the values again.
  bfloat16
};

}  // namespace rolewise
