// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/batch_options.hpp>.

#include <rolewise/data/batch_options.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE std::int64_t batch_count(std::int64_t examples, const batch_options& options)
{
  if (options.size < 1)
    throw_invalid_argument("batches", "want batches of at least 1, got ", options.size);
  return options.drop_last ? examples / options.size : (examples + options.size - 1) / options.size;
}

}  // namespace rolewise
