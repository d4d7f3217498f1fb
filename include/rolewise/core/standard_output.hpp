// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Whether what was printed has arrived.

#include <rolewise/core/error.hpp>

#include <cstdio>
#include <iostream>

namespace rolewise {

/// For the end of a program that prints results: flushes the standard output, and makes sure that
/// all of it was taken, what was printed with `std::printf` as well.
/// @throws std::runtime_error if something was lost: it is closed, or a file on a full disk
inline void require_written(std::ostream& out = std::cout)
{
  const bool is_written = static_cast<bool>(out.flush());
  const bool is_printed = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (!is_written || !is_printed)
    fail("standard output", "cannot be written: what was printed is lost, or part of it");
}

}  // namespace rolewise
