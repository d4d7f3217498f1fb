// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Integer arithmetic of quantized layers: support on this machine, and a switch to disable it.

#include <rolewise/network/detail/integer_operators.hpp>
#include <rolewise/support/inline.hpp>

namespace rolewise {

/// Whether layers multiply the levels of quantized tensors as integers: on the CPU, by LibTorch's
/// oneDNN int8 operators.
///
/// Probed once per process with worst-case products: the operators are registered but not
/// guaranteed, and on processors without dot products of bytes (VNNI) sums of pairs saturate at
/// 16 bits. If they are missing, have another signature or give other sums, layers convolve
/// integer-valued floating-point levels, with bit-identical results. Convolutions with groups are
/// probed apart (`problem_of_groups`).
[[nodiscard]] ROLEWISE_INLINE const integer_support& integer_forward_support();

/// While one exists, layers in its thread convolve floating-point levels instead of integers:
///
///     const rolewise::without_integers reference;
class without_integers {
 public:
  without_integers() { ++count(); }
  without_integers(const without_integers&) = delete;
  without_integers& operator=(const without_integers&) = delete;
  ~without_integers() { --count(); }

  [[nodiscard]] static bool active() { return count() > 0; }

 private:
  [[nodiscard]] static int& count()
  {
    thread_local int alive = 0;
    return alive;
  }
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/integer_forward.hpp>
#endif
