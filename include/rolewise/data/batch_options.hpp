// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Options of the batches of an epoch, and the memory that they are gathered into.

#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

/// Options of `batches`.
struct batch_options {
  std::int64_t size = 128;      ///< examples per batch; the last one may have fewer
  rolewise::seed seed{0};       ///< of the shuffled order
  std::int64_t epoch = 0;       ///< each epoch has an order of its own
  bool shuffle = true;          ///< else the order of the data set, in every epoch
  bool drop_last = false;       ///< leave out a last batch with fewer than `size` examples
  bool prefetch = true;         ///< make the next batch in the background; same results
  std::int64_t first_step = 0;  ///< begin at this batch of the epoch, to resume inside it
};

/// Number of batches of a whole epoch over `examples` examples, without regard to `first_step`.
/// @throws std::invalid_argument unless the size of a batch is above 0
[[nodiscard]] ROLEWISE_INLINE std::int64_t batch_count(std::int64_t examples,
                                                       const batch_options& options);

/// Buffers that batches are gathered into; a buffer is reused when no tensor references it.
struct batch_memory {
  buffer_pool inputs{}, labels{}, ids{}, mask{}, weights{};
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/batch_options.hpp>
#endif
