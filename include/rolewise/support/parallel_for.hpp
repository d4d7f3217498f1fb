// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Distribution of pieces of work over LibTorch's intra-op threads.

#include <rolewise/support/serial_scope.hpp>

#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>

namespace rolewise::detail {

/// An iterator of the current thread over one byte in memory as a tensor of so many elements that
/// each of LibTorch's threads gets a share. It is not there in destructors of static objects.
[[nodiscard]] inline at::TensorIterator& shares_for_all_threads()
{
  thread_local auto shares =
      at::TensorIteratorConfig{}
          .set_check_mem_overlap(false)
          .check_all_same_dtype(false)
          .resize_outputs(false)
          .add_owned_output(at::empty({1}, at::TensorOptions{}.dtype(at::kByte).device(at::kCPU))
                                .expand({std::int64_t{1} << 24}))
          .build();
  return shares;
}

/// Calls `f()` on each of LibTorch's intra-op threads, this one among them, and waits for all.
///
/// `at::parallel_for` is a header template, which runs on one thread in a program compiled without
/// OpenMP, as most programs that link LibTorch are. The loop of `at::TensorIterator::for_each` is
/// compiled into LibTorch, with LibTorch's own threads.
/// @pre `f` does not throw
template<typename F>
void on_all_threads(const F& f)
{
  shares_for_all_threads().for_each(
      [&f](char**, const std::int64_t*, std::int64_t, std::int64_t) { f(); }, 1);
}

/// Calls `work(piece)` for each piece 0 .. pieces - 1, on up to `threads` of LibTorch's intra-op
/// threads (`at::set_num_threads`), this one among them, and waits for all pieces. It calls them in
/// this thread only, in order, in a `serial_scope` or a parallel region. The first exception is
/// rethrown when all pieces are done; on one thread it propagates at once.
///
/// A thread that is done takes the next piece. Thread-local modes of the caller (gradients,
/// inference) do not reach the other threads.
template<typename Work>
void parallel_for(std::int64_t pieces, int threads, const Work& work)
{
  threads = std::min(threads, at::get_num_threads());
  if (threads < 2 || pieces < 2 || support::serial_scope::here() || at::in_parallel_region()) {
    for (std::int64_t piece = 0; piece < pieces; ++piece) work(piece);
    return;
  }
  std::atomic<int> present{0};
  std::atomic<std::int64_t> next{0};
  std::atomic_flag has_thrown;
  std::exception_ptr thrown;
  on_all_threads([&] {
    if (present++ >= threads) return;
    for (auto piece = next++; piece < pieces; piece = next++) {
      try {
        work(piece);
      } catch (...) {
        if (!has_thrown.test_and_set()) thrown = std::current_exception();
      }
    }
  });
  if (thrown) std::rethrow_exception(thrown);
}

/// Calls `work(begin, end)` for the ranges of up to `longest` numbers of 0 .. count - 1, on
/// LibTorch's intra-op threads: see `parallel_for`.
template<typename Work>
void parallel_for_ranges(std::int64_t count, std::int64_t longest, const Work& work)
{
  parallel_for((count + longest - 1) / longest, at::get_num_threads(), [&](std::int64_t piece) {
    work(piece * longest, std::min(count, (piece + 1) * longest));
  });
}

}  // namespace rolewise::detail
