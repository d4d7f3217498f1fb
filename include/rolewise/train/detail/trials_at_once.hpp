// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Several trials at the same time, each with its own fixed number of threads inside.

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

namespace rolewise::detail {

/// LibTorch's number of threads as it was before.
class threads_restored {
 public:
  threads_restored() : before_{at::get_num_threads()} {}
  threads_restored(const threads_restored&) = delete;
  threads_restored& operator=(const threads_restored&) = delete;
  ~threads_restored() { at::set_num_threads(before_); }
  [[nodiscard]] int before() const noexcept { return before_; }

 private:
  int before_;
};

/// Calls `work(trial)` for each trial, up to `at_once` at a time, and `done(trial, result)` after
/// each, one at a time. LibTorch counts threads for each thread that asks (OpenMP's own setting),
/// so what a trial computes does not depend on how many others there are.
///
/// When a call throws, no further trial is begun; what comes out is what the trial with the lowest
/// number has thrown.
/// @param threads_each 0: as many as the calling thread has
template<typename Work, typename Done>
void trials_at_once(const std::vector<std::int64_t>& trials, std::int64_t at_once,
                    std::int64_t threads_each, const Work& work, const Done& done)
{
  const threads_restored guard;
  const int threads = threads_each == 0 ? guard.before() : static_cast<int>(threads_each);
  std::mutex mutex;
  std::size_t next = 0;
  std::exception_ptr thrown;
  auto thrower = std::numeric_limits<std::int64_t>::max();
  const auto go = [&] {
    at::set_num_threads(threads);
    std::unique_lock lock{mutex};
    while (next < trials.size() && !thrown) {
      const auto trial = trials[next++];
      lock.unlock();
      try {
        const auto result = work(trial);
        lock.lock();
        done(trial, result);
      } catch (...) {
        if (!lock.owns_lock()) lock.lock();
        if (trial < thrower) {
          thrower = trial;
          thrown = std::current_exception();
        }
      }
    }
  };
  const auto others = std::min(at_once, static_cast<std::int64_t>(trials.size())) - 1;
  std::vector<std::thread> helpers;
  for (std::int64_t i = 0; i < others; ++i) helpers.emplace_back(go);
  go();
  for (auto& helper : helpers) helper.join();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace rolewise::detail
