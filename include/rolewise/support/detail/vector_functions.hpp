// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// Vector types and functions of one instruction set, for `instruction_sets.hpp`; empty by
/// itself.

#ifdef ROLEWISE_PASSES

typedef std::uint8_t few __attribute__((vector_size(lanes)));
typedef std::uint16_t few_shorts __attribute__((vector_size(2 * lanes)));
typedef std::int32_t ints __attribute__((vector_size(4 * lanes)));
typedef float floats __attribute__((vector_size(4 * lanes)));

/// Optimization barrier: no fusing or reassociation across it, even under `-ffast-math`.
[[gnu::always_inline]] inline void keep(floats& value)
{
#if defined(__x86_64__)
  asm("" : "+x"(value));
#elif defined(__aarch64__)
  asm("" : "+w"(value));
#else
  asm("" : "+m"(value));
#endif
}

[[gnu::always_inline]] inline floats load(const float* at)
{
  floats value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}
[[gnu::always_inline]] inline void store(float* at, const floats& value)
{
  __builtin_memcpy(at, &value, sizeof value);
}

/// Converts numbers from 0 to 255 to bytes.
[[gnu::always_inline]] inline few narrow(const ints& values)
{
#if defined(ROLEWISE_NARROWS_IN_ONE_STEP) && defined(__clang__)
  return __builtin_convertvector(values, few);
#elif defined(ROLEWISE_NARROWS_IN_ONE_STEP)
  typedef char sixteen __attribute__((vector_size(16)));
  return reinterpret_cast<few>(__builtin_ia32_pmovdb512_mask(values, sixteen{}, 0xFFFF));
#else
  // In two halving steps: GCC splits a direct conversion into single bytes.
  return __builtin_convertvector(__builtin_convertvector(values, few_shorts), few);
#endif
}

#endif
