// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// An allocator setting: freed memory stays in the process for the next training step.

#include <rolewise/support/inline.hpp>

#if defined(__GLIBC__)
#endif

namespace rolewise::support {

/// Configures the C library to keep freed memory instead of returning it to the system: for the
/// whole process, from this call on. Call it first in a program that trains.
///
/// A training step frees the feature maps of its forward pass and allocates them again in the
/// next one. By default the system maps and clears pages anew each time, which takes up to a
/// fifth of a step on small images. With this setting the process holds its peak memory until it
/// ends.
///
/// Threads keep heaps of their own: on a common one, concurrent trials with small steps would wait
/// for its lock. glibc returns a segment of a thread's heap to the system when it is empty unless
/// the free space before it is less than the padding of the top, so the padding is a segment.
///
/// The library never calls this by itself, since it is a setting of the whole process.
///
/// @return whether the C library accepted the settings: true with glibc, whose own allocator
///         follows them; a preloaded allocator may ignore them
ROLEWISE_INLINE bool retain_heap();

}  // namespace rolewise::support

namespace rolewise {
using support::retain_heap;  // a program calls it once, at its start

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/retain_heap.hpp>
#endif
