// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The passes of batch norm for each instruction set, and the best one of the machine.

#include <rolewise/network/detail/kernels/kernel_set.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail::norm_kernels {

#define ROLEWISE_NORM_PASSES

/// What every machine has.
namespace plain {

inline constexpr const char* variant = "plain";
inline constexpr int lanes = 4;
typedef std::uint8_t few __attribute__((vector_size(4)));
typedef std::uint16_t few_shorts __attribute__((vector_size(8)));
typedef std::int32_t ints __attribute__((vector_size(16)));
typedef float floats __attribute__((vector_size(16)));

// In twofold steps: GCC takes a fourfold one apart byte by byte.
[[gnu::always_inline]] inline few narrow(const ints& values)
{
  return __builtin_convertvector(__builtin_convertvector(values, few_shorts), few);
}
[[gnu::always_inline]] inline floats load_bytes(const std::uint8_t* at)
{
  few bytes;
  __builtin_memcpy(&bytes, at, sizeof bytes);
  return __builtin_convertvector(
      __builtin_convertvector(__builtin_convertvector(bytes, few_shorts), ints), floats);
}

#include <rolewise/network/detail/kernels/passes.hpp>

}  // namespace plain

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

/// x86-64-v3, without its fused multiply-add.
namespace avx2 {

inline constexpr const char* variant = "AVX2";
inline constexpr int lanes = 8;
typedef std::uint8_t few __attribute__((vector_size(8)));
typedef std::uint16_t few_shorts __attribute__((vector_size(16)));
typedef std::int32_t ints __attribute__((vector_size(32)));
typedef float floats __attribute__((vector_size(32)));

[[gnu::always_inline]] inline few narrow(const ints& values)
{
  return __builtin_convertvector(__builtin_convertvector(values, few_shorts), few);
}
[[gnu::always_inline]] inline floats load_bytes(const std::uint8_t* at)
{
  few bytes;
  __builtin_memcpy(&bytes, at, sizeof bytes);
  return __builtin_convertvector(
      __builtin_convertvector(__builtin_convertvector(bytes, few_shorts), ints), floats);
}

#include <rolewise/network/detail/kernels/passes.hpp>

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
typedef std::uint8_t few __attribute__((vector_size(16)));
typedef std::uint16_t few_shorts __attribute__((vector_size(32)));
typedef std::int32_t ints __attribute__((vector_size(64)));
typedef float floats __attribute__((vector_size(64)));

[[gnu::always_inline]] inline few narrow(const ints& values)
{
#if defined(__clang__)
  return __builtin_convertvector(values, few);
#else
  typedef char sixteen __attribute__((vector_size(16)));
  return reinterpret_cast<few>(__builtin_ia32_pmovdb512_mask(values, sixteen{}, 0xFFFF));
#endif
}
[[gnu::always_inline]] inline floats load_bytes(const std::uint8_t* at)
{
  few bytes;
  __builtin_memcpy(&bytes, at, sizeof bytes);
  return __builtin_convertvector(
      __builtin_convertvector(__builtin_convertvector(bytes, few_shorts), ints), floats);
}

#include <rolewise/network/detail/kernels/passes.hpp>

}  // namespace avx512

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif

#undef ROLEWISE_NORM_PASSES

/// What this machine can run, the fastest last.
[[nodiscard]] inline std::vector<const kernel_set*> runnable()
{
  std::vector<const kernel_set*> found{&plain::passes};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) found.push_back(&avx2::passes);
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

}  // namespace rolewise::detail::norm_kernels
