// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Measures the CPU memory that LibTorch allocates.

#include <rolewise/support/run_concurrently.hpp>

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <thread>

namespace rolewise::detail {

/// CPU memory in use and its peak. LibTorch's allocators report each block to it, as to a
/// profiler.
class memory_watch : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t bytes, std::size_t, std::size_t,
                         c10::Device device) override
  {
    if (!device.is_cpu()) return;
    const auto current = now_ += bytes;
    auto most = most_.load();
    while (most < current && !most_.compare_exchange_weak(most, current)) {
    }
  }
  [[nodiscard]] bool memoryProfilingEnabled() const override { return true; }

  [[nodiscard]] std::int64_t now() const { return now_; }
  [[nodiscard]] std::int64_t most() const { return most_; }

 private:
  std::atomic<std::int64_t> now_{0}, most_{0};
};

/// Calls `work(watch)` in a new thread whose LibTorch allocations are counted. A new thread frees
/// no memory that was allocated before.
/// @param threads of LibTorch's; 0: as many as the calling thread has
template<typename Work>
void watching_memory(std::int64_t threads, const Work& work)
{
  const auto watch = std::make_shared<memory_watch>();
  threads_per_trial inside{threads};
  std::exception_ptr thrown;
  std::thread watched{[&] {
    try {
      inside.set_here();
      const c10::DebugInfoGuard guard{c10::DebugInfoKind::PROFILER_STATE, watch};
      work(*watch);
    } catch (...) {
      thrown = std::current_exception();
    }
  }};
  watched.join();
  if (thrown) std::rethrow_exception(thrown);
}

/// Bytes of the parameters of a teacher that exposes its network, otherwise 0.
template<typename T>
[[nodiscard]] std::int64_t bytes_of_teacher(const T& teacher)
{
  if constexpr (requires { teacher.network().parameters(); }) {
    std::int64_t bytes = 0;
    for (const auto& p : teacher.network().parameters())
      bytes += static_cast<std::int64_t>(p.value.nbytes());
    return bytes;
  } else if constexpr (requires { teacher.teacher(); }) {
    return bytes_of_teacher(teacher.teacher());
  } else {
    return 0;
  }
}

template<typename T>
[[nodiscard]] constexpr bool is_shared(const T&)
{
  if constexpr (requires { requires T::is_shared == true; }) return true;
  return false;
}

}  // namespace rolewise::detail
