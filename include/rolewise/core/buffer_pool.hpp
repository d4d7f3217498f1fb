// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tensors that are used again once nobody else holds them.

#include <rolewise/core/tensor.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise {

/// Hands out tensors on the CPU and keeps the memory of the last few of them. Memory is handed out
/// again when nobody but the pool holds it; what a reader still holds, also as a slice or another
/// view, is never written into.
///
/// To be used by one thread at a time, which may hand it to another one; readers may let go in any
/// thread. A copy begins empty: the memory belongs to one pool.
class buffer_pool {
 public:
  explicit buffer_pool(std::size_t kept = 4) : kept_{kept} {}
  buffer_pool(const buffer_pool& other) : kept_{other.kept_} {}
  buffer_pool(buffer_pool&&) noexcept = default;
  buffer_pool& operator=(const buffer_pool&) noexcept { return *this; }
  buffer_pool& operator=(buffer_pool&&) noexcept = default;
  ~buffer_pool() = default;

  /// A tensor of unspecified content whose memory nobody else holds, contiguous in a format.
  [[nodiscard]] torch::Tensor take(at::IntArrayRef sizes, torch::ScalarType dtype,
                                   torch::MemoryFormat format = torch::MemoryFormat::Contiguous)
  {
    for (const auto& kept : buffers_)
      if (kept.tensor.scalar_type() == dtype && kept.format == format &&
          kept.tensor.sizes() == sizes && is_free(kept))
        return handed_out(kept.tensor);
    if (buffers_.size() == kept_) {  // a reader keeps what it likes; the pool need not
      const auto unused = std::find_if(buffers_.begin(), buffers_.end(), is_free);
      buffers_.erase(unused != buffers_.end() ? unused : buffers_.begin());
    }
    buffers_.push_back({torch::empty(sizes, dtype, format), format});
    ++made_;
    return handed_out(buffers_.back().tensor);
  }

  /// How many times memory was asked for so far.
  [[nodiscard]] std::int64_t made() const noexcept { return made_; }

 private:
  struct buffer {
    torch::Tensor tensor;
    torch::MemoryFormat format;  // strides don't tell it where an axis is 1
  };

  /// Another tensor over the same memory, so that what a reader does to the tensor itself
  /// (`requires_grad_`, `resize_`) ends with it, and so that one count shows every reader.
  [[nodiscard]] static torch::Tensor handed_out(const torch::Tensor& kept) { return kept.detach(); }

  [[nodiscard]] static bool is_free(const buffer& kept)
  {
    if (kept.tensor.storage().use_count() != 1) return false;
    // The count is read relaxed; the last reader let go with a release.
    std::atomic_thread_fence(std::memory_order_acquire);
    return true;
  }

  std::size_t kept_;
  std::vector<buffer> buffers_;
  std::int64_t made_ = 0;
};

}  // namespace rolewise
