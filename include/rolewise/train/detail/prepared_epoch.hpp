// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Preparation of the batches of an epoch, for steps that support it.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/support/serial_scope.hpp>
#include <rolewise/train/preparing_step.hpp>

#include <ATen/ThreadLocalState.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Reusable memory for one batch: its gathered examples and its prepared tensors.
struct preparation_memory {
  batch_memory examples{};
  buffer_pool prepared{};
};

/// A prepared batch and its number of examples.
template<typename Prepared>
struct prepared_batch {
  Prepared what;
  std::int64_t size;
};

/// Prepares the batch of a given step of an epoch; for `prefetched`.
///
/// With M memories, step k uses memory `k mod M` and the copy of the preparation that belongs to
/// it. Any M consecutive steps use different memories, so threads may prepare them at the same
/// time, and each reuses the memory that was released M steps before.
template<typename Step>
class prepared_epoch {
 public:
  prepared_epoch(batches_view source, const training_progress& begin,
                 const preparation_of<Step>& preparation, std::vector<preparation_memory>& memories)
      : source_{std::move(source)},
        begin_{begin},
        preparations_(memories.size(), preparation),
        memories_{memories}
  {}

  [[nodiscard]] prepared_batch<prepared_by<Step>> operator()(std::int64_t step)
  {
    const at::ThreadLocalStateGuard as_the_caller{state_};  // such as grad mode
    const support::serial_scope while_the_step_computes;
    const auto number = static_cast<std::size_t>(step) % memories_.size();
    auto& memory = memories_[number];
    auto progress = begin_;
    progress.step = step;
    const auto examples = source_.gather(step, memory.examples);
    return {preparations_[number](examples, progress, memory.prepared), examples.size()};
  }

 private:
  batches_view source_;
  training_progress begin_;
  std::vector<preparation_of<Step>> preparations_;
  std::vector<preparation_memory>& memories_;
  at::ThreadLocalState state_{};
};

}  // namespace rolewise::detail
