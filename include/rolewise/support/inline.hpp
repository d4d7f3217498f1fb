// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `ROLEWISE_INLINE`: the linkage of functions whose bodies stand in implementation headers.
///
/// By default rolewise is header-only: each header includes its implementation header, whose
/// functions are inline. With `ROLEWISE_SEPARATE_COMPILATION` defined it does not, and a program
/// links the bodies: those of the CMake target `rolewise::compiled`, or of one of its own units
/// that includes <rolewise/implementation.hpp>. All units of a program have to agree.

#ifdef ROLEWISE_SEPARATE_COMPILATION
#define ROLEWISE_INLINE
#else
#define ROLEWISE_INLINE inline
#endif
