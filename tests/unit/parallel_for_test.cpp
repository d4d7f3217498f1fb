// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include <rolewise/support/parallel_for.hpp>
#include <rolewise/support/serial_scope.hpp>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <support/doctest.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#if defined(_OPENMP)
#error "The tests are compiled without OpenMP, as a user's program may be."
#endif

namespace {

using rolewise::detail::parallel_for;
using rolewise::detail::parallel_for_ranges;
using rolewise::support::serial_scope;

/// Sets LibTorch's number of threads; the destructor restores it.
class threads_of_libtorch {
 public:
  explicit threads_of_libtorch(int number) { at::set_num_threads(number); }
  threads_of_libtorch(const threads_of_libtorch&) = delete;
  threads_of_libtorch& operator=(const threads_of_libtorch&) = delete;
  ~threads_of_libtorch() { at::set_num_threads(before_); }

 private:
  int before_ = at::get_num_threads();
};

using thread_ids = std::set<std::thread::id>;

/// The threads that work on many short pieces.
thread_ids threads_at_work(int threads)
{
  std::mutex mutex;
  thread_ids found;
  parallel_for(200, threads, [&](std::int64_t) {
    std::this_thread::sleep_for(std::chrono::microseconds{50});
    const std::lock_guard lock{mutex};
    found.insert(std::this_thread::get_id());
  });
  return found;
}

/// The number of threads that work on `wanted` pieces, each of which waits for all others to begin.
std::size_t threads_that_meet(int wanted)
{
  std::mutex mutex;
  std::atomic<int> present{0};
  thread_ids found;
  parallel_for(wanted, wanted, [&](std::int64_t) {
    ++present;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (present < wanted && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    const std::lock_guard lock{mutex};
    found.insert(std::this_thread::get_id());
  });
  return found.size();
}

/// How often each of `pieces` pieces is called.
std::vector<int> calls_of(std::int64_t pieces, int threads)
{
  std::vector<int> calls(static_cast<std::size_t>(pieces));
  parallel_for(pieces, threads,
               [&](std::int64_t piece) { ++calls[static_cast<std::size_t>(piece)]; });
  return calls;
}

const thread_ids this_one{std::this_thread::get_id()};

}  // namespace

TEST_CASE("every piece is called once, for any number of pieces and threads")
{
  for (const int threads : {1, 2, 3, 8}) {
    const threads_of_libtorch set{threads};
    CAPTURE(threads);
    for (const std::int64_t pieces : {0, 1, 2, 3, 7, 64, 5000})
      for (const int used : {0, 1, 2, threads, 100})
        CHECK(calls_of(pieces, used) == std::vector<int>(static_cast<std::size_t>(pieces), 1));
  }
}

TEST_CASE("ranges cover all numbers once and are no longer than the longest")
{
  const threads_of_libtorch set{3};
  for (const std::int64_t count : {0, 1, 15, 16, 17, 160, 161}) {
    std::vector<int> calls(static_cast<std::size_t>(count));
    parallel_for_ranges(count, 16, [&](std::int64_t begin, std::int64_t end) {
      CHECK((begin % 16 == 0 && end - begin <= 16));
      for (auto i = begin; i < end; ++i) ++calls[static_cast<std::size_t>(i)];
    });
    CHECK(calls == std::vector<int>(static_cast<std::size_t>(count), 1));
  }
}

TEST_CASE(
    "pieces run on as many threads as LibTorch is set to, whatever the program is compiled with")
{
  for (const int threads : {2, 4}) {
    const threads_of_libtorch set{threads};
    CHECK(threads_that_meet(threads) == static_cast<std::size_t>(threads));
    CHECK(threads_at_work(1) == this_one);
    CHECK(threads_at_work(2).size() <= 2);
  }
  const threads_of_libtorch set{1};
  CHECK(threads_at_work(8) == this_one);
}

TEST_CASE("the threads are LibTorch's own, and stay the same")
{
  const threads_of_libtorch set{2};
  thread_ids found;
  for (int i = 0; i < 20; ++i) {
    found.merge(threads_at_work(2));
    (void)at::ones({1 << 16}).add_(1);
  }
  CHECK(found.size() == 2);
}

TEST_CASE("a nested call runs in the thread of its piece, in order")
{
  const threads_of_libtorch set{2};
  std::atomic<int> inner{0};
  parallel_for(8, 2, [&](std::int64_t) {
    std::vector<std::int64_t> order;
    parallel_for(5, 2, [&](std::int64_t piece) { order.push_back(piece); });
    if (order == std::vector<std::int64_t>{0, 1, 2, 3, 4}) ++inner;
  });
  CHECK(inner == 8);
}

TEST_CASE("pieces may use LibTorch's operators, in any mode of the caller")
{
  const threads_of_libtorch set{2};
  const auto x = at::arange(1 << 16, at::kFloat);
  const auto wanted = x.sum().item<float>();
  const auto all_right = [&] {
    std::atomic<int> right{0};
    parallel_for(16, 2, [&](std::int64_t) { right += x.sum().item<float>() == wanted ? 1 : 0; });
    return right == 16;
  };
  CHECK(all_right());
  const c10::InferenceMode inference;
  CHECK(all_right());
  // The first call of a thread may come in inference mode as well.
  bool right = false;
  std::thread{[&] {
    const c10::InferenceMode of_thread;
    at::set_num_threads(2);
    right = all_right();
  }}.join();
  CHECK(right);
}

TEST_CASE("the first exception is rethrown when all pieces are done, and the next call works")
{
  for (const int threads : {2, 4}) {
    const threads_of_libtorch set{threads};
    std::vector<int> done(1000);
    CHECK_THROWS_WITH_AS(parallel_for(1000, threads,
                                      [&](std::int64_t piece) {
                                        ++done[static_cast<std::size_t>(piece)];
                                        if (piece == 500)
                                          throw std::runtime_error{"the five hundredth"};
                                      }),
                         "the five hundredth", std::runtime_error);
    CHECK(std::ranges::count(done, 1) == 1000);
    std::atomic<int> calls{0};
    CHECK_THROWS_AS(parallel_for(100, threads,
                                 [&](std::int64_t piece) {
                                   ++calls;
                                   throw std::out_of_range{std::to_string(piece)};
                                 }),
                    std::out_of_range);
    CHECK(calls == 100);
    CHECK(threads_that_meet(threads) == static_cast<std::size_t>(threads));
  }
}

TEST_CASE("a thread in a serial_scope uses no other threads")
{
  const threads_of_libtorch set{3};
  CHECK(threads_that_meet(3) == 3);
  {
    const rolewise::support::serial_scope outer;
    {
      const rolewise::support::serial_scope inner;
      CHECK(threads_at_work(3) == this_one);
    }
    CHECK(threads_at_work(3) == this_one);
    bool elsewhere = true;
    std::thread{[&] { elsewhere = rolewise::support::serial_scope::here(); }}.join();
    CHECK_FALSE(elsewhere);
  }
  CHECK(threads_that_meet(3) == 3);
}

TEST_CASE("concurrent callers have threads of their own, and each gets its own exception")
{
  std::vector<std::string> told(4);
  std::vector<std::thread> callers;
  std::atomic<int> met{0}, right{0};
  const threads_of_libtorch set{1};
  for (std::size_t caller = 0; caller < told.size(); ++caller)
    callers.emplace_back([&, caller] {
      at::set_num_threads(2);
      if (threads_that_meet(2) == 2) ++met;
      for (int i = 0; i < 50; ++i)
        if (calls_of(100, 2) == std::vector<int>(100, 1)) ++right;
      try {
        parallel_for(100, 2, [&](std::int64_t piece) {
          if (piece == 50) throw std::runtime_error{std::to_string(caller)};
        });
      } catch (const std::runtime_error& error) {
        told[caller] = error.what();
      }
    });
  for (auto& caller : callers) caller.join();
  CHECK(met == 4);
  CHECK(right == 200);
  CHECK(told == std::vector<std::string>{"0", "1", "2", "3"});
}
