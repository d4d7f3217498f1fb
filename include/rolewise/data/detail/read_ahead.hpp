// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A counted sequence whose next element is made while the last one is used.

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

namespace rolewise::detail {

/// The elements `make(first), ..., make(last - 1)`, in order.
///
/// In the background one thread stays one element ahead, no more; else each element is made when
/// asked for. What `make` throws comes out of `next`, at its place and from then on. The
/// destructor waits for an element under way, then ends the thread.
template<typename Make>
class read_ahead {
 public:
  using value_type = std::invoke_result_t<Make&, std::int64_t>;

  read_ahead(Make make, std::int64_t first, std::int64_t last, bool in_background)
      : make_{std::move(make)}, next_{first}, last_{last}
  {
    if (in_background && first < last) worker_ = std::thread{[this] { work(); }};
  }
  read_ahead(const read_ahead&) = delete;
  read_ahead& operator=(const read_ahead&) = delete;

  ~read_ahead()
  {
    if (!worker_.joinable()) return;
    {
      const std::lock_guard lock{mutex_};
      is_left_ = true;
    }
    changed_.notify_all();
    worker_.join();
  }

  /// The next element, or none after the last.
  [[nodiscard]] std::optional<value_type> next()
  {
    if (!worker_.joinable()) {
      if (next_ >= last_) return std::nullopt;
      std::optional<value_type> made{make_(next_)};
      ++next_;
      return made;
    }
    std::optional<value_type> taken;
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [this] { return ready_.has_value() || error_ || is_done_; });
      if (!ready_.has_value()) {
        if (error_) std::rethrow_exception(error_);
        return std::nullopt;
      }
      taken = std::exchange(ready_, std::nullopt);
    }
    changed_.notify_all();
    return taken;
  }

 private:
  void work()
  {
    std::unique_lock lock{mutex_};
    for (; next_ < last_; ++next_) {
      changed_.wait(lock, [this] { return !ready_.has_value() || is_left_; });
      if (is_left_) return;
      lock.unlock();
      std::optional<value_type> made;
      std::exception_ptr thrown;
      try {
        made.emplace(make_(next_));
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      ready_ = std::move(made);
      error_ = thrown;
      changed_.notify_all();
      if (error_) return;
    }
    is_done_ = true;
    changed_.notify_all();
  }

  Make make_;
  std::int64_t next_, last_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<value_type> ready_;
  std::exception_ptr error_;
  bool is_done_ = false;
  bool is_left_ = false;
  std::thread worker_;  // last: it starts when all else is there
};

}  // namespace rolewise::detail
