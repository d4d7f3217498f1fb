// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/batches.hpp>.

#include <rolewise/data/batches.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE batches_view::batches_view(const batch_source_reference& source,
                                           const batch_options& options)
    : options_{options}, last_step_{source.batch_count(options)}
{
  if (options.epoch < 0)
    throw_invalid_argument("batches", "want an epoch of at least 0, got ", options.epoch);
  if (options.first_step < 0 || options.first_step > last_step_)
    throw_invalid_argument("batches", "want a first step of 0 to ", last_step_, ", got ",
                           options.first_step);
  epoch_ = std::make_shared<const epoch_batches>(source.epoch(options));
}

ROLEWISE_INLINE batch batches_view::gather(std::int64_t step, batch_memory& memory) const
{
  if (step < options_.first_step || step >= last_step_)
    throw_invalid_argument("batches", "want a step of ", options_.first_step, " to ",
                           last_step_ - 1, ", got ", step);
  return (*epoch_)(step, memory);
}

ROLEWISE_INLINE void batches_view::cursor::next()
{
  run_->current.reset();  // first, so that its memory is free for the batch being made
  run_->current = run_->prefetch.next();
}

}  // namespace rolewise
