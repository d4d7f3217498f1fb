// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Several trials at the same time, each with its own fixed number of threads inside.

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

/// Gives threads their number of LibTorch's threads, where they have another, and the calling
/// thread the old one in the end.
class threads_each {
 public:
  /// @param number 0: as many as the calling thread has
  explicit threads_each(std::int64_t number)
      : before_{at::get_num_threads()}, wanted_{number == 0 ? before_ : static_cast<int>(number)}
  {}
  threads_each(const threads_each&) = delete;
  threads_each& operator=(const threads_each&) = delete;
  ~threads_each()
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

/// Calls `work(trial)` for each trial, up to `at_once` at a time, and `done(trial, result)` after
/// each, one at a time. LibTorch counts threads for each thread that asks (OpenMP's own setting),
/// so what a trial computes does not depend on how many others there are.
///
/// When a call throws, no further trial is begun; what comes out is what the trial with the lowest
/// number has thrown.
/// @param threads 0: as many as the calling thread has
template<typename Work, typename Done>
void trials_at_once(const std::vector<std::int64_t>& trials, std::int64_t at_once,
                    std::int64_t threads, const Work& work, const Done& done)
{
  threads_each inside{threads};
  std::mutex mutex;
  std::size_t next = 0;
  std::exception_ptr thrown;
  auto thrower = std::numeric_limits<std::int64_t>::max();
  const auto go = [&] {
    inside.set_here();
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
  try {
    for (std::int64_t i = 0; i < others; ++i) helpers.emplace_back(go);
  } catch (const std::system_error&) {  // the machine gives no more threads: fewer do the same
  }
  go();
  for (auto& helper : helpers) helper.join();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace rolewise::detail
