// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/standard_output.hpp>.

#include <rolewise/support/standard_output.hpp>

#include <rolewise/support/error.hpp>

#include <cstdio>

namespace rolewise::support {

ROLEWISE_INLINE void require_written(std::ostream& out)
{
  const bool is_written = static_cast<bool>(out.flush());
  const bool is_printed = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (!is_written || !is_printed)
    throw_runtime_error("standard output",
                        "cannot be written: what was printed is lost, or part of it");
}

}  // namespace rolewise::support
