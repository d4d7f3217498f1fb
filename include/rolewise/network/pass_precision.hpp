// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// In what convolutions compute.

#include <cstdint>

namespace rolewise {

/// What enters is rounded to the 8 bits of bfloat16, sums are kept in single precision and rounded
/// once; what comes out is in the type of the values again. Whether that is faster depends on the
/// processor and on the convolution: docs/design.md, "Mixed precision".
enum class pass_precision : std::uint8_t {
  full,  ///< the type of the values
  bfloat16
};

/// Weights, their update, batch norm, sums and everything else stay as they are: mixed precision
/// with both in bfloat16.
struct pass_precisions {
  /// Of convolutions in full precision, in training and evaluation. Levels are multiplied exactly
  /// with either.
  pass_precision forward = pass_precision::full;
  /// Of all convolutions. Levels up to 256 are exact in bfloat16; what is rounded then is the
  /// incoming gradient and each result.
  pass_precision backward = pass_precision::full;
};

}  // namespace rolewise
