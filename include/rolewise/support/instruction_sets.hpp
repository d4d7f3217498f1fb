// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// Vectorized kernels, compiled once per instruction set, and selection of the best set at run
/// time.
///
/// Include this inside a namespace of its own that has a type `kernel_set`, after defining
/// `ROLEWISE_PASSES` as the name of a header of functions. That header is included in one
/// namespace per instruction set, which provides `lanes` (floats per vector), the vector types,
/// and their loads and stores; it ends with a constant `passes`, its `kernel_set`. `runnable()`
/// and `best()` follow. Without the macro this header is empty. If `ROLEWISE_FUSES` is defined as
/// well, AVX2 too may fuse multiply and add (FMA); functions whose bits must be the same
/// everywhere leave it undefined.
///
/// A vector operation is lowered for the target of the function that contains it before that
/// function is inlined, so functions shared between targets would be no faster than the baseline.

#ifdef ROLEWISE_PASSES

/// The baseline, which every machine runs.
namespace plain {

inline constexpr const char* variant = "plain";
inline constexpr int lanes = 4;
#include <rolewise/support/detail/vector_functions.hpp>
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
#include <rolewise/support/detail/vector_functions.hpp>
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
#include <rolewise/support/detail/vector_functions.hpp>
#undef ROLEWISE_NARROWS_IN_ONE_STEP
#include ROLEWISE_PASSES

}  // namespace avx512

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif

/// Returns the kernel sets that this machine can run, the fastest last.
[[nodiscard]] inline std::vector<const kernel_set*> runnable()
{
  std::vector<const kernel_set*> found{&plain::passes};
#if defined(__x86_64__)
#if defined(ROLEWISE_FUSES)
  const bool fuses = __builtin_cpu_supports("fma") != 0;
#else
  const bool fuses = true;  // FMA is not required
#endif
  if (__builtin_cpu_supports("avx2") && fuses) found.push_back(&avx2::passes);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    found.push_back(&avx512::passes);
#endif
  return found;
}

/// Returns the fastest kernel set of this machine; selected once.
[[nodiscard]] inline const kernel_set& best()
{
  static const kernel_set* const chosen = runnable().back();
  return *chosen;
}

#undef ROLEWISE_PASSES

#endif
