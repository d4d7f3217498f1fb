// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A check that everything printed to standard output has been written.

#include <rolewise/support/error.hpp>

#include <cstdio>
#include <iostream>

namespace rolewise::support {

/// Flushes standard output and checks that all of it was written, output of `std::printf`
/// included. For the end of a program that prints results.
/// @throws std::runtime_error if output was lost: the stream is closed, or a file on a full disk
inline void require_written(std::ostream& out = std::cout)
{
  const bool is_written = static_cast<bool>(out.flush());
  const bool is_printed = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (!is_written || !is_printed)
    throw_runtime_error("standard output",
                        "cannot be written: what was printed is lost, or part of it");
}

}  // namespace rolewise::support

namespace rolewise {
using support::require_written;  // a first program calls it
}  // namespace rolewise
