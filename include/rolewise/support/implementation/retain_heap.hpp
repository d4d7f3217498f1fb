// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/retain_heap.hpp>.

#include <rolewise/support/retain_heap.hpp>

#include <malloc.h>
#include <cstdlib>

namespace rolewise::support {

ROLEWISE_INLINE bool retain_heap()
{
#if defined(__GLIBC__)
  constexpr int never = -1;         // unsigned: a threshold that is never reached
  constexpr int large = 1 << 30;    // bytes; smaller blocks come from the heap, not from a mapping
  constexpr int segment = 1 << 26;  // bytes, HEAP_MAX_SIZE of glibc
  const bool trims = mallopt(M_TRIM_THRESHOLD, never) == 1;
  const bool maps = mallopt(M_MMAP_THRESHOLD, large) == 1 ||
                    mallopt(M_MMAP_THRESHOLD, segment / 2) == 1;  // the most of an older glibc
  const bool pads = mallopt(M_TOP_PAD, segment) == 1;
  return trims && maps && pads;
#else
  return false;
#endif
}

}  // namespace rolewise::support
