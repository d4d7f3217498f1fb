// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `counting_allocator`: counts tensor allocations.

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include <atomic>
#include <cstddef>

namespace rolewise::testing {

/// Counts, during its lifetime, the allocations of CPU tensors of at least `least` bytes, by any
/// thread.
class counting_allocator final : public c10::Allocator {
 public:
  explicit counting_allocator(std::size_t least) : least_{least}, inner_{c10::GetCPUAllocator()}
  {
    c10::SetCPUAllocator(this, 1);
  }
  counting_allocator(const counting_allocator&) = delete;
  counting_allocator& operator=(const counting_allocator&) = delete;
  ~counting_allocator() override { c10::SetCPUAllocator(inner_, 1); }

  c10::DataPtr allocate(std::size_t size) override
  {
    if (size >= least_) {
      ++count_;
      bytes_ += size;
    }
    return inner_->allocate(size);
  }
  void copy_data(void* to, const void* from, std::size_t size) const override
  {
    inner_->copy_data(to, from, size);
  }
  [[nodiscard]] int count() const { return count_; }
  /// The total size of the counted allocations, freed or not.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::size_t least_;
  c10::Allocator* inner_;
  std::atomic<int> count_{0};
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace rolewise::testing
