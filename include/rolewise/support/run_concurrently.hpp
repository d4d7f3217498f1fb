// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Concurrent execution of tasks, each with a fixed number of LibTorch threads.

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace rolewise::detail {

/// Sets the number of LibTorch threads of each thread where it differs; the destructor restores
/// that of the calling thread.
class threads_per_trial {
 public:
  /// @param number of LibTorch threads; 0: as many as the calling thread has
  explicit threads_per_trial(std::int64_t number)
      : before_{at::get_num_threads()}, wanted_{number == 0 ? before_ : static_cast<int>(number)}
  {}
  threads_per_trial(const threads_per_trial&) = delete;
  threads_per_trial& operator=(const threads_per_trial&) = delete;
  ~threads_per_trial()
  {
    if (has_set_) at::set_num_threads(before_);
  }
  void set_here()
  {
    if (at::get_num_threads() == wanted_) return;
    has_set_ = true;
    at::set_num_threads(wanted_);
  }

 private:
  int before_, wanted_;
  std::atomic<bool> has_set_{false};
};

}  // namespace rolewise::detail

namespace rolewise::support {

/// Number of concurrent tasks, and of threads in each.
struct concurrency {
  std::int64_t max_concurrent = 1;    ///< at least 1
  std::int64_t threads_per_task = 0;  ///< of LibTorch; 0: as many as the calling thread has
};

/// Calls `work(task)` for each task, up to `max_concurrent` at a time, and `done(task, result)`
/// after each, one at a time. The number of LibTorch threads is a setting of each calling thread
/// (as in OpenMP), so a task's result does not depend on the number of other tasks.
///
///     run_concurrently({1, 2, 3, 4, 5}, {.max_concurrent = 2, .threads_per_task = 1},
///                      [&](std::int64_t number) { return trained(seed{number}); },
///                      [&](std::int64_t number, auto network) { keep(number, network); });
///
/// Tasks are started in order, by the calling thread and others; if no more threads can be
/// started, fewer do the same work. After an exception no further task is started, those in
/// progress finish, and the exception of the failed task with the lowest number is rethrown.
template<typename Work, typename Done>
void run_concurrently(const std::vector<std::int64_t>& tasks, const concurrency& how,
                      const Work& work, const Done& done)
{
  detail::threads_per_trial inside{how.threads_per_task};
  std::mutex mutex;
  std::size_t next = 0;
  std::exception_ptr thrown;
  auto thrower = std::numeric_limits<std::int64_t>::max();
  const auto go = [&] {
    inside.set_here();
    std::unique_lock lock{mutex};
    while (next < tasks.size() && !thrown) {
      const auto task = tasks[next++];
      lock.unlock();
      try {
        const auto result = work(task);
        lock.lock();
        done(task, result);
      } catch (...) {
        if (!lock.owns_lock()) lock.lock();
        if (task < thrower) {
          thrower = task;
          thrown = std::current_exception();
        }
      }
    }
  };
  const auto others = std::min(how.max_concurrent, static_cast<std::int64_t>(tasks.size())) - 1;
  std::vector<std::thread> helpers;
  try {
    for (std::int64_t i = 0; i < others; ++i) helpers.emplace_back(go);
  } catch (const std::system_error&) {
  }
  go();
  for (auto& helper : helpers) helper.join();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace rolewise::support
