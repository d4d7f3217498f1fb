// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The kernel sets for each instruction set, and the choice of the fastest one that the machine
/// supports.

#include <rolewise/agent/detail/kernels/kernel_set.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail::kernels {

inline void looked_up_one_by_one(std::uint8_t* plane, std::size_t count, const std::uint8_t* table)
{
  for (std::size_t i = 0; i < count; ++i) plane[i] = table[plane[i]];
}

#define ROLEWISE_KERNEL_PASSES

/// The baseline instruction set of the target, with vectors of 16 bytes.
namespace plain {

inline constexpr const char* variant = "plain";
inline constexpr int width = 16;
inline constexpr int lanes = width / 4;
typedef std::uint8_t bytes __attribute__((vector_size(width)));
typedef std::uint8_t half __attribute__((vector_size(width / 2)));
typedef std::uint8_t few __attribute__((vector_size(width / 4)));
typedef std::uint16_t shorts __attribute__((vector_size(width)));
typedef std::uint16_t few_shorts __attribute__((vector_size(width / 2)));
typedef std::int32_t ints __attribute__((vector_size(width)));
typedef std::uint32_t unsigned_ints __attribute__((vector_size(width)));
typedef float floats __attribute__((vector_size(width)));

// Converts in two steps: GCC lowers a fourfold widening byte by byte.
[[gnu::always_inline]] inline ints widen(const few& values)
{
  return __builtin_convertvector(__builtin_convertvector(values, few_shorts), ints);
}
[[gnu::always_inline]] inline few narrow(const ints& values)
{
  return __builtin_convertvector(__builtin_convertvector(values, few_shorts), few);
}

/// Stores past the caches where the instruction set can; `at` is aligned to a vector.
[[gnu::always_inline]] inline void stream(float* at, const floats& value)
{
  __builtin_memcpy(at, &value, sizeof value);
}
inline void end_of_stream() {}

/// Every second element of two vectors: the first, third, ... (`evens`) and the others (`odds`).
[[gnu::always_inline]] inline unsigned_ints evens(const unsigned_ints& a, const unsigned_ints& b)
{
  return __builtin_shufflevector(a, b, 0, 2, 4, 6);
}
[[gnu::always_inline]] inline unsigned_ints odds(const unsigned_ints& a, const unsigned_ints& b)
{
  return __builtin_shufflevector(a, b, 1, 3, 5, 7);
}

/// Interleaves three planes into pixels.
[[gnu::always_inline]] inline void interleave(const floats& r, const floats& g, const floats& b,
                                              floats* out)
{
  out[0] = __builtin_shufflevector(__builtin_shufflevector(r, g, 0, 4, -1, 1), b, 0, 1, 4, 3);
  out[1] = __builtin_shufflevector(__builtin_shufflevector(r, g, 5, -1, 2, 6), b, 0, 5, 2, 3);
  out[2] = __builtin_shufflevector(__builtin_shufflevector(r, g, -1, 3, 7, -1), b, 6, 1, 2, 7);
}

inline void look_up(std::uint8_t* plane, std::size_t count, const std::uint8_t* table)
{
  looked_up_one_by_one(plane, count, table);
}

#include <rolewise/agent/detail/kernels/passes.hpp>

#include <rolewise/agent/detail/kernels/warp_passes.hpp>

#include <rolewise/agent/detail/kernels/hue_passes.hpp>

#include <rolewise/agent/detail/kernels/resize_passes.hpp>

inline constexpr auto* weigh_columns = &weigh_columns_by_strips;

#include <rolewise/agent/detail/kernels/number_passes.hpp>

}  // namespace plain

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

/// AVX2 (x86-64-v3), without its fused multiply-add.
namespace avx2 {

inline constexpr const char* variant = "AVX2";
inline constexpr int width = 32;
inline constexpr int lanes = width / 4;
typedef std::uint8_t bytes __attribute__((vector_size(width)));
typedef std::uint8_t half __attribute__((vector_size(width / 2)));
typedef std::uint8_t few __attribute__((vector_size(width / 4)));
typedef std::uint16_t shorts __attribute__((vector_size(width)));
typedef std::uint16_t few_shorts __attribute__((vector_size(width / 2)));
typedef std::int32_t ints __attribute__((vector_size(width)));
typedef std::uint32_t unsigned_ints __attribute__((vector_size(width)));
typedef float floats __attribute__((vector_size(width)));

[[gnu::always_inline]] inline ints widen(const few& values)
{
#if defined(__clang__)
  return __builtin_convertvector(values, ints);
#else
  typedef char sixteen __attribute__((vector_size(16)));
  typedef int eight __attribute__((vector_size(width)));
  typedef long long two __attribute__((vector_size(16)));
  std::int64_t low;
  __builtin_memcpy(&low, &values, sizeof low);
  return reinterpret_cast<ints>(
      reinterpret_cast<eight>(__builtin_ia32_pmovzxbd256(reinterpret_cast<sixteen>(two{low, 0}))));
#endif
}
[[gnu::always_inline]] inline few narrow(const ints& values)
{
  return __builtin_convertvector(__builtin_convertvector(values, few_shorts), few);
}

[[gnu::always_inline]] inline void stream(float* at, const floats& value)
{
#if defined(__clang__)
  __builtin_nontemporal_store(value, reinterpret_cast<floats*>(at));
#else
  __builtin_ia32_movntps256(at, value);
#endif
}
inline void end_of_stream() { __builtin_ia32_sfence(); }

/// Every second element of two vectors: the first, third, ... (`evens`) and the others (`odds`).
[[gnu::always_inline]] inline unsigned_ints evens(const unsigned_ints& a, const unsigned_ints& b)
{
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
}
[[gnu::always_inline]] inline unsigned_ints odds(const unsigned_ints& a, const unsigned_ints& b)
{
  return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
}

/// Interleaves three planes into pixels.
[[gnu::always_inline]] inline void interleave(const floats& r, const floats& g, const floats& b,
                                              floats* out)
{
  out[0] = __builtin_shufflevector(__builtin_shufflevector(r, g, 0, 8, -1, 1, 9, -1, 2, 10), b, 0,
                                   1, 8, 3, 4, 9, 6, 7);
  out[1] = __builtin_shufflevector(__builtin_shufflevector(r, g, -1, 3, 11, -1, 4, 12, -1, 5), b,
                                   10, 1, 2, 11, 4, 5, 12, 7);
  out[2] = __builtin_shufflevector(__builtin_shufflevector(r, g, 13, -1, 6, 14, -1, 7, 15, -1), b,
                                   0, 13, 2, 3, 14, 5, 6, 15);
}

inline void look_up(std::uint8_t* plane, std::size_t count, const std::uint8_t* table)
{
  looked_up_one_by_one(plane, count, table);
}

#include <rolewise/agent/detail/kernels/passes.hpp>

#include <rolewise/agent/detail/kernels/warp_passes.hpp>

#include <rolewise/agent/detail/kernels/hue_passes.hpp>

#include <rolewise/agent/detail/kernels/resize_passes.hpp>

inline constexpr auto* weigh_columns = &weigh_columns_by_strips;

#include <rolewise/agent/detail/kernels/number_passes.hpp>

}  // namespace avx2

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#if defined(__clang__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")
#endif

/// AVX-512 with VBMI, whose byte permutations perform table lookups.
namespace avx512 {

inline constexpr const char* variant = "AVX-512";
inline constexpr int width = 64;
inline constexpr int lanes = width / 4;
typedef std::uint8_t bytes __attribute__((vector_size(width)));
typedef std::uint8_t half __attribute__((vector_size(width / 2)));
typedef std::uint8_t few __attribute__((vector_size(width / 4)));
typedef std::uint16_t shorts __attribute__((vector_size(width)));
typedef std::uint16_t few_shorts __attribute__((vector_size(width / 2)));
typedef std::int32_t ints __attribute__((vector_size(width)));
typedef std::uint32_t unsigned_ints __attribute__((vector_size(width)));
typedef float floats __attribute__((vector_size(width)));

[[gnu::always_inline]] inline ints widen(const few& values)
{
#if defined(__clang__)
  return __builtin_convertvector(values, ints);
#else
  typedef char sixteen __attribute__((vector_size(16)));
  return reinterpret_cast<ints>(
      __builtin_ia32_pmovzxbd512_mask(reinterpret_cast<sixteen>(values), ints{}, 0xFFFF));
#endif
}
[[gnu::always_inline]] inline few narrow(const ints& values)
{
#if defined(__clang__)
  return __builtin_convertvector(values, few);
#else
  typedef char sixteen __attribute__((vector_size(16)));
  return reinterpret_cast<few>(__builtin_ia32_pmovdb512_mask(values, sixteen{}, 0xFFFF));
#endif
}

[[gnu::always_inline]] inline void stream(float* at, const floats& value)
{
#if defined(__clang__)
  __builtin_nontemporal_store(value, reinterpret_cast<floats*>(at));
#else
  __builtin_ia32_movntps512(at, value);
#endif
}
inline void end_of_stream() { __builtin_ia32_sfence(); }

/// Every second element of two vectors: the first, third, ... (`evens`) and the others (`odds`).
[[gnu::always_inline]] inline unsigned_ints evens(const unsigned_ints& a, const unsigned_ints& b)
{
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}
[[gnu::always_inline]] inline unsigned_ints odds(const unsigned_ints& a, const unsigned_ints& b)
{
  return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}

/// Interleaves three planes into pixels.
[[gnu::always_inline]] inline void interleave(const floats& r, const floats& g, const floats& b,
                                              floats* out)
{
  out[0] = __builtin_shufflevector(
      __builtin_shufflevector(r, g, 0, 16, -1, 1, 17, -1, 2, 18, -1, 3, 19, -1, 4, 20, -1, 5), b, 0,
      1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15);
  out[1] = __builtin_shufflevector(
      __builtin_shufflevector(r, g, 21, -1, 6, 22, -1, 7, 23, -1, 8, 24, -1, 9, 25, -1, 10, 26), b,
      0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15);
  out[2] = __builtin_shufflevector(
      __builtin_shufflevector(r, g, -1, 11, 27, -1, 12, 28, -1, 13, 29, -1, 14, 30, -1, 15, 31, -1),
      b, 26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31);
}

/// Looks up bits 0 .. 6 of each byte in a table of 128 entries.
[[gnu::always_inline]] inline bytes chosen(const bytes& first, const bytes& second,
                                           const bytes& index)
{
#if defined(__clang__)
  typedef char choice __attribute__((vector_size(width)));
  return reinterpret_cast<bytes>(__builtin_ia32_vpermi2varqi512(reinterpret_cast<choice>(first),
                                                                reinterpret_cast<choice>(index),
                                                                reinterpret_cast<choice>(second)));
#else
  return __builtin_shuffle(first, second, index);
#endif
}

inline void look_up(std::uint8_t* plane, std::size_t count, const std::uint8_t* table)
{
  bytes quarters[4];
  __builtin_memcpy(quarters, table, sizeof quarters);
  for (std::size_t i = 0; i < count; i += width) {
    bytes value;
    __builtin_memcpy(&value, plane + i, width);
    const bytes low = chosen(quarters[0], quarters[1], value);
    const bytes high = chosen(quarters[2], quarters[3], value);
    value = value >= std::uint8_t{128} ? high : low;
    __builtin_memcpy(plane + i, &value, width);
  }
}

#include <rolewise/agent/detail/kernels/passes.hpp>

#include <rolewise/agent/detail/kernels/warp_passes.hpp>

#include <rolewise/agent/detail/kernels/hue_passes.hpp>

#include <rolewise/agent/detail/kernels/resize_passes.hpp>

#include <rolewise/agent/detail/kernels/resize_by_choice.hpp>

#include <rolewise/agent/detail/kernels/number_passes.hpp>

}  // namespace avx512

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif

#undef ROLEWISE_KERNEL_PASSES

/// Returns the kernel sets that this machine supports, the fastest last.
[[nodiscard]] inline std::vector<const kernel_set*> runnable()
{
  std::vector<const kernel_set*> found{&plain::passes};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) found.push_back(&avx2::passes);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vbmi"))
    found.push_back(&avx512::passes);
#endif
  return found;
}

/// Returns the fastest kernel set that this machine supports; determined once.
[[nodiscard]] inline const kernel_set& best()
{
  static const kernel_set* const chosen = runnable().back();
  return *chosen;
}

}  // namespace rolewise::detail::kernels
