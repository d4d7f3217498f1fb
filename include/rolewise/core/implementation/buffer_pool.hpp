// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/buffer_pool.hpp>.

#include <rolewise/core/buffer_pool.hpp>

#include <algorithm>
#include <atomic>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor buffer_pool::take(at::IntArrayRef sizes, torch::ScalarType dtype,
                                                torch::MemoryFormat format)
{
  for (const auto& kept : buffers_)
    if (kept.tensor.scalar_type() == dtype && kept.format == format &&
        kept.tensor.sizes() == sizes && is_free(kept))
      return handed_out(kept.tensor);
  if (buffers_.size() == kept_) {  // a buffer in use is kept alive by its readers
    const auto unused = std::find_if(buffers_.begin(), buffers_.end(), is_free);
    buffers_.erase(unused != buffers_.end() ? unused : buffers_.begin());
  }
  buffers_.push_back({at::empty(sizes, dtype, format), format});
  ++made_;
  return handed_out(buffers_.back().tensor);
}

ROLEWISE_INLINE bool buffer_pool::is_free(const buffer& kept)
{
  if (kept.tensor.storage().use_count() != 1) return false;
  // `use_count` is a relaxed load; the last reader's decrement is a release.
  std::atomic_thread_fence(std::memory_order_acquire);
  return true;
}

}  // namespace rolewise
