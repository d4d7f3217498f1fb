// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Numbers that compilers take as they are.

namespace rolewise::detail {

/// Ends an expression: what comes after it is not fused or reassociated with what came before, even
/// under `-ffast-math` or `-ffp-contract=fast`. It costs no instruction.
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
