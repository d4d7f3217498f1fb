// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A prefetched sequence: background threads compute the next elements while the last one is
/// used.

#include <algorithm>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace rolewise::support {

/// The prefetched sequence `make(first), ..., make(last - 1)`, in order.
///
///     prefetched squares{[](std::int64_t i) { return i * i; }, 0, 100, 2, 1};
///     while (const auto square = squares.next()) ...
///
/// Background threads compute at most `prefetch` elements beyond the one returned last; with
/// `prefetch` 0, `next` computes each element in the calling thread. Elements are started in order,
/// one per thread at a time, so with more than one thread `make` is called concurrently, for
/// different elements.
///
/// `next` rethrows an exception of `make` at the position of its element and on every later call,
/// and no further element is started; with `prefetch` 0, the next call tries the element again. The
/// destructor waits for elements in progress, then ends the threads.
///
/// `next` may be called by one thread at a time.
/// @pre `prefetch` is 0 or more, `threads` 1 or more
template<typename Make>
  requires std::movable<std::invoke_result_t<Make&, std::int64_t>>
class prefetched {
 public:
  using value_type = std::invoke_result_t<Make&, std::int64_t>;

  /// @throws std::system_error if a thread cannot be started
  prefetched(Make make, std::int64_t first, std::int64_t last, std::int64_t prefetch,
             std::int64_t threads)
      : make_{std::move(make)},
        taken_{first},
        begun_{first},
        last_{last},
        prefetch_{prefetch},
        places_(static_cast<std::size_t>(prefetch))
  {
    try {
      for (auto left = std::min({threads, prefetch, last - first}); left > 0; --left)
        workers_.emplace_back([this] { work(); });
    } catch (...) {
      end();
      throw;
    }
  }
  prefetched(const prefetched&) = delete;
  prefetched& operator=(const prefetched&) = delete;
  ~prefetched() { end(); }

  /// Returns the next element, or nothing after the last.
  [[nodiscard]] std::optional<value_type> next()
  {
    if (taken_ >= last_) return std::nullopt;
    if (workers_.empty()) {
      std::optional<value_type> made{make_(taken_)};
      ++taken_;
      return made;
    }
    std::optional<value_type> taken;
    {
      std::unique_lock lock{mutex_};
      auto& [value, thrown] = place_of(taken_);
      is_made_.wait(lock, [&v = value, &t = thrown] { return v.has_value() || t; });
      if (thrown) std::rethrow_exception(thrown);
      taken = std::exchange(value, std::nullopt);
      ++taken_;
    }
    is_wanted_.notify_all();
    return taken;
  }

 private:
  struct place {
    std::optional<value_type> value;
    std::exception_ptr thrown;
  };

  /// Slot of an element. Pending elements are fewer than `prefetch` apart, so no two share a slot.
  [[nodiscard]] place& place_of(std::int64_t element)
  {
    return places_[static_cast<std::size_t>(element % prefetch_)];
  }

  void work()
  {
    std::unique_lock lock{mutex_};
    while (true) {
      is_wanted_.wait(
          lock, [this] { return is_over_ || begun_ >= last_ || begun_ < taken_ + prefetch_; });
      if (is_over_ || begun_ >= last_) return;
      const auto element = begun_++;
      lock.unlock();
      place made;
      try {
        made.value.emplace(make_(element));
      } catch (...) {
        made.thrown = std::current_exception();
      }
      lock.lock();
      if (made.thrown) is_over_ = true;
      place_of(element) = std::move(made);
      is_made_.notify_one();
    }
  }

  void end()
  {
    {
      const std::lock_guard lock{mutex_};
      is_over_ = true;
    }
    is_wanted_.notify_all();
    for (auto& worker : workers_) worker.join();
  }

  Make make_;
  std::int64_t taken_;  // elements before it have been returned
  std::int64_t begun_;  // elements before it are computed or in progress
  std::int64_t last_, prefetch_;
  std::mutex mutex_;
  std::condition_variable is_made_, is_wanted_;
  std::vector<place> places_;
  bool is_over_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace rolewise::support
