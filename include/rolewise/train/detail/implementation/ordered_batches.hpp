// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/ordered_batches.hpp>.

#include <rolewise/train/detail/ordered_batches.hpp>

#include <rolewise/core/batch_parts.hpp>

#include <algorithm>

namespace rolewise::detail {

ROLEWISE_INLINE ordered_batches::ordered_batches(const batch_source_reference& source,
                                                 std::int64_t size)
    : size_{size}, all_{source.examples()}
{
  const batch_options in_order{.size = size, .shuffle = false};
  if (all_) {
    steps_ = rolewise::batch_count(all_->size(), in_order);
  } else {
    steps_ = source.batch_count(in_order);
    epoch_ = source.epoch(in_order);
  }
}

ROLEWISE_INLINE batch ordered_batches::operator()(std::int64_t step)
{
  if (!all_) return epoch_(step, memory_);
  const auto begin = step * size_;
  return examples_between(*all_, begin, std::min(size_, all_->size() - begin));
}

}  // namespace rolewise::detail
