// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// Functions over vectors, compiled once for each instruction set, and the best set of the machine.
///
/// Who includes this stands in a namespace of its own, has a type `kernel_set` there, and has
/// defined `ROLEWISE_PASSES` as the name of a header of functions. That one is included in a
/// namespace for each instruction set, which says `lanes`, the floats of a vector, the types of
/// vectors, and how bytes get into and out of them; it ends with a constant `passes`, its
/// `kernel_set`. Then come `runnable()` and `best()`. Without the macro this is empty. If
/// `ROLEWISE_FUSES` is defined as well, a product and the sum that it goes into may be one
/// instruction in AVX2 also; functions whose bits are the same everywhere do without.
///
/// A vector operation is lowered for the target of the function that it is written in before that
/// is inlined anywhere, so functions shared between targets would be no faster than the plainest of
/// them.

#ifdef ROLEWISE_PASSES

/// What every machine has.
namespace plain {

inline constexpr const char* variant = "plain";
inline constexpr int lanes = 4;
#include <rolewise/core/detail/vector_functions.hpp>
#include ROLEWISE_PASSES

}  // namespace plain

#if defined(__x86_64__)

#if defined(__clang__)
#if defined(ROLEWISE_FUSES)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#endif
#else
#pragma GCC push_options
#if defined(ROLEWISE_FUSES)
#pragma GCC target("avx2,fma")
#else
#pragma GCC target("avx2")
#endif
#endif

/// x86-64-v3.
namespace avx2 {

inline constexpr const char* variant = "AVX2";
inline constexpr int lanes = 8;
#include <rolewise/core/detail/vector_functions.hpp>
#include ROLEWISE_PASSES

}  // namespace avx2

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")
#endif

/// x86-64-v4.
namespace avx512 {

inline constexpr const char* variant = "AVX-512";
inline constexpr int lanes = 16;
#define ROLEWISE_NARROWS_IN_ONE_STEP
#include <rolewise/core/detail/vector_functions.hpp>
#undef ROLEWISE_NARROWS_IN_ONE_STEP
#include ROLEWISE_PASSES

}  // namespace avx512

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif

/// What this machine can run, the fastest last.
[[nodiscard]] inline std::vector<const kernel_set*> runnable()
{
  std::vector<const kernel_set*> found{&plain::passes};
#if defined(__x86_64__)
#if defined(ROLEWISE_FUSES)
  const bool fuses = __builtin_cpu_supports("fma") != 0;
#else
  const bool fuses = true;  // or need not
#endif
  if (__builtin_cpu_supports("avx2") && fuses) found.push_back(&avx2::passes);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    found.push_back(&avx512::passes);
#endif
  return found;
}

/// The fastest that this machine can run; chosen once.
[[nodiscard]] inline const kernel_set& best()
{
  static const kernel_set* const chosen = runnable().back();
  return *chosen;
}

#undef ROLEWISE_PASSES

#endif
