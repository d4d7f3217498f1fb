// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Memory that a process keeps for its next training step.

#include <cstdlib>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace rolewise {

/// Tells the C library to keep what is freed instead of giving it back to the system: for the whole
/// process, from now on. Call it first thing in a program that trains.
///
/// A training step frees the maps of its forward pass and asks for them again in the next one. Each
/// time the system hands out pages anew and clears them, which takes up to a fifth of a step on
/// small images. The process then holds its peak of memory until it ends.
///
/// All threads share one heap from then on, unless one has its own already: glibc gives the heap of
/// a thread back when nothing is in it, whatever it was told, which took a twentieth of each step
/// of trials that run at once. Small pieces come from caches of the threads as before.
///
/// @return whether it had an effect: with glibc's own allocator; another C library or a preloaded
///         allocator does as it likes
inline bool keep_freed_memory()
{
#if defined(__GLIBC__)
  constexpr int never = -1;       // as an unsigned threshold: more than there can be
  constexpr int large = 1 << 30;  // bytes that come from the heap, not from a mapping of their own
  return mallopt(M_TRIM_THRESHOLD, never) == 1 && mallopt(M_MMAP_THRESHOLD, large) == 1 &&
         mallopt(M_ARENA_MAX, 1) == 1;
#else
  return false;
#endif
}

}  // namespace rolewise
