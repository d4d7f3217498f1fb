// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The precision of convolutions in the forward and the backward pass.

#include <cstdint>

namespace rolewise {

/// The precision of one pass of a convolution. In bfloat16, inputs are rounded to its 8
/// significant bits, sums are accumulated in single precision and rounded once, and the output
/// has the dtype of the values again.
///
/// bfloat16 is a permission: where single precision is the faster one, a convolution stays in it.
/// On processors without instructions for matrices of bfloat16 (AMX) that is so for convolutions
/// of 3x3 and stride 1: docs/design.md, "Mixed precision".
enum class pass_precision : std::uint8_t {
  full,     ///< the dtype of the values
  bfloat16  ///< or rounded, where that is faster
};

/// The precision of both passes. Weights, their update, batch norm, sums and everything else are
/// unaffected: with bfloat16 in both this is mixed precision.
struct pass_precisions {
  /// Of full-precision convolutions, in training and evaluation. Quantized levels are multiplied
  /// exactly with either.
  pass_precision forward = pass_precision::full;
  /// Of all convolutions. Levels up to 256 are exact in bfloat16; only the incoming gradient and
  /// each result are rounded.
  pass_precision backward = pass_precision::full;
};

}  // namespace rolewise
