// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Whether quantised layers multiply integers on this machine, and a switch to keep them from it.

#include <rolewise/network/detail/integer_probe.hpp>

namespace rolewise {

/// Whether layers multiply the levels of quantised tensors as integers: on the CPU, by LibTorch's
/// oneDNN operators for bytes.
///
/// Asked once per process, by worst-case products: the operators are registered, not promised, and
/// on processors without dot products of bytes (VNNI) sums of pairs saturate at 16 bits. Where they
/// are missing, are others than expected or give other sums, layers convolve integer-valued
/// floating-point levels, which gives the same bits.
[[nodiscard]] inline const integer_support& integer_forward_support()
{
  static const integer_support support =
      detail::probe_integer_operators(detail::integer_operators::found());
  return support;
}

/// While one of these lives, layers that run in its thread convolve floating-point levels:
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
