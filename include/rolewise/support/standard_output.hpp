// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A check that everything printed to standard output has been written.

#include <rolewise/support/inline.hpp>

#include <iostream>

namespace rolewise::support {

/// Flushes standard output and checks that all of it was written, output of `std::printf`
/// included. For the end of a program that prints results.
/// @throws std::runtime_error if output was lost: the stream is closed, or a file on a full disk
ROLEWISE_INLINE void require_written(std::ostream& out = std::cout);

}  // namespace rolewise::support

namespace rolewise {
using support::require_written;  // a first program calls it

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/standard_output.hpp>
#endif
