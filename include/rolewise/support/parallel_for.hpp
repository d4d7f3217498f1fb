// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Distribution of pieces of work over a thread pool.

#include <rolewise/support/serial_scope.hpp>

#include <c10/core/thread_pool.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace rolewise::detail {

/// The thread pool of the process that works on pieces, beside the calling thread.
[[nodiscard]] inline c10::ThreadPool& helpers()
{
  static c10::ThreadPool pool{
      std::max(1, static_cast<int>(std::thread::hardware_concurrency()) - 1)};
  return pool;
}

/// Calls `work(piece)` for each piece 0 .. pieces - 1, on up to `threads` threads, this one among
/// them, and waits for all pieces; on this one only while it is `serial_scope`. The first
/// exception is rethrown when all pieces are done; on one thread it propagates at once.
///
/// Used instead of `at::parallel_for`, which runs on one thread in a program compiled without
/// OpenMP, as most programs that link LibTorch are.
template<typename Work>
void parallel_for(std::int64_t pieces, int threads, const Work& work)
{
  if (threads < 2 || pieces < 2 || support::serial_scope::here()) {
    for (std::int64_t piece = 0; piece < pieces; ++piece) work(piece);
    return;
  }
  // A helper that starts late finds no piece, so only pieces are waited for, not helpers; for its
  // sake the state, but not `work`, may outlive this call.
  struct board {
    std::mutex mutex;
    std::condition_variable done;
    std::int64_t next = 0, left = 0;
    std::exception_ptr thrown;
  };
  const auto shared = std::make_shared<board>();
  shared->left = pieces;
  const auto help = [shared, pieces, &work] {
    std::unique_lock lock{shared->mutex};
    while (shared->next < pieces) {
      const auto piece = shared->next++;
      lock.unlock();
      std::exception_ptr thrown;
      try {
        work(piece);
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      if (thrown && !shared->thrown) shared->thrown = thrown;
      if (--shared->left == 0) shared->done.notify_all();
    }
  };
  auto& pool = helpers();
  const auto useful =
      std::min({std::int64_t{threads} - 1, pieces - 1, static_cast<std::int64_t>(pool.size())});
  for (std::int64_t i = 0; i < useful; ++i) pool.run(help);
  help();
  std::unique_lock lock{shared->mutex};
  shared->done.wait(lock, [&] { return shared->left == 0; });
  if (shared->thrown) std::rethrow_exception(std::exchange(shared->thrown, nullptr));
}

}  // namespace rolewise::detail
