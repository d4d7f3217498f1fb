// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A pool of CPU tensors whose memory is reused once no other reference to it is left.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise {

/// Pool of CPU tensors: keeps the memory of the last few and reuses a buffer once only the pool
/// references it. Memory that a reader still references, also through a slice or another view, is
/// never reused.
///
/// For use by one thread at a time, not always the same; readers may release tensors in any
/// thread. A copy starts empty: the memory belongs to one pool.
class buffer_pool {
 public:
  explicit buffer_pool(std::size_t kept = 4) : kept_{kept} {}
  buffer_pool(const buffer_pool& other) : kept_{other.kept_} {}
  buffer_pool(buffer_pool&&) noexcept = default;
  buffer_pool& operator=(const buffer_pool&) noexcept { return *this; }
  buffer_pool& operator=(buffer_pool&&) noexcept = default;
  ~buffer_pool() = default;

  /// Returns a tensor of unspecified content, contiguous in the memory format, whose memory has
  /// no other reference but the pool's.
  [[nodiscard]] torch::Tensor take(at::IntArrayRef sizes, torch::ScalarType dtype,
                                   torch::MemoryFormat format = torch::MemoryFormat::Contiguous);

  /// Number of allocations so far.
  [[nodiscard]] std::int64_t made() const noexcept { return made_; }

 private:
  struct buffer {
    torch::Tensor tensor;
    torch::MemoryFormat format;  // strides don't determine it where an axis is 1
  };

  /// Returns another tensor over the same storage: what a reader does to the tensor object
  /// (`requires_grad_`, `resize_`) does not reach the pool's, and one use count covers every
  /// reader.
  [[nodiscard]] static torch::Tensor handed_out(const torch::Tensor& kept) { return kept.detach(); }

  [[nodiscard]] static bool is_free(const buffer& kept);

  std::size_t kept_;
  std::vector<buffer> buffers_;
  std::int64_t made_ = 0;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/implementation/buffer_pool.hpp>
#endif
