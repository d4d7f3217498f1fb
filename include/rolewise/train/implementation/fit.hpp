// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/fit.hpp>.

#include <rolewise/train/fit.hpp>

#include <concepts>

namespace rolewise::detail {

ROLEWISE_INLINE batch_options order_of(const fit_options& o, std::int64_t epoch)
{
  return {.size = o.batch_size,
          .seed = o.seed,
          .epoch = epoch,
          .shuffle = o.shuffle,
          .drop_last = o.drop_last};
}

}  // namespace rolewise::detail
