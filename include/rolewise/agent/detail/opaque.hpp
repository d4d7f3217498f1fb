// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `opaque`: an optimization barrier for floating-point values.

namespace rolewise::detail {

/// Returns a value through an optimization barrier: the compiler does not fuse or reassociate
/// operations across it, even under `-ffast-math` or `-ffp-contract=fast`. Costs no instruction
/// on x86-64 and AArch64, a trip through memory elsewhere.
template<typename T>
[[gnu::always_inline]] inline T opaque(T value)
{
#if defined(__x86_64__)
  asm("" : "+x"(value));
#elif defined(__aarch64__)
  asm("" : "+w"(value));
#else
  asm("" : "+m"(value));
#endif
  return value;
}

}  // namespace rolewise::detail
