// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include <rolewise/support/prefetched.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

using rolewise::support::prefetched;

namespace {

using clock_type = std::chrono::steady_clock;

/// Waits until a condition holds, no longer than a minute.
template<typename Condition>
bool soon(const Condition& condition)
{
  const auto end = clock_type::now() + std::chrono::minutes{1};
  while (!condition())
    if (clock_type::now() > end)
      return false;
    else
      std::this_thread::yield();
  return true;
}

}  // namespace

TEST_CASE("elements come in order, each made once, for any prefetch and workers")
{
  for (const std::int64_t prefetch : {0, 1, 2, 5})
    for (const std::int64_t threads : {1, 2, 4}) {
      CAPTURE(prefetch);
      CAPTURE(threads);
      std::vector<std::atomic<int>> made(60);
      rolewise::support::prefetched elements{
          [&](std::int64_t i) {
            // Some take longer, so that later ones are ready before them.
            if (i % 7 == 3) std::this_thread::sleep_for(std::chrono::microseconds{300});
            ++made[static_cast<std::size_t>(i)];
            return std::make_unique<std::int64_t>(10 * i);
          },
          3, 60, prefetch, threads};
      std::vector<std::int64_t> taken;
      while (auto element = elements.next()) taken.push_back(**element);
      CHECK_FALSE(elements.next());
      REQUIRE(taken.size() == 57);
      for (std::size_t i = 0; i < taken.size(); ++i)
        CHECK(taken[i] == 10 * (static_cast<std::int64_t>(i) + 3));
      for (std::size_t i = 0; i < made.size(); ++i) CHECK(made[i] == (i < 3 ? 0 : 1));
    }
}

TEST_CASE("no more is prefetched than set, and never in the consuming thread")
{
  const auto here = std::this_thread::get_id();
  for (const int prefetch : {1, 3})
    for (const int threads : {1, 2, 4}) {
      CAPTURE(prefetch);
      CAPTURE(threads);
      std::atomic<int> made{0};
      std::atomic<bool> elsewhere{true};
      rolewise::support::prefetched elements{[&](std::int64_t i) {
                                               if (std::this_thread::get_id() == here)
                                                 elsewhere = false;
                                               ++made;
                                               return i;
                                             },
                                             0, 100, prefetch, threads};
      for (int taken = 0; taken < 5; ++taken) {
        CHECK(soon([&] { return made == taken + prefetch; }));
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
        CHECK(made == taken + prefetch);
        CHECK(elements.next().value() == taken);
      }
      CHECK(elsewhere);
    }
  std::atomic<bool> all_here{true};
  rolewise::support::prefetched on_demand{[&](std::int64_t i) {
                                            if (std::this_thread::get_id() != here)
                                              all_here = false;
                                            return i;
                                          },
                                          0, 3, 0, 4};
  while (on_demand.next()) {
  }
  CHECK(all_here);
}

TEST_CASE("more than one thread makes, as many as are of use")
{
  for (const int prefetch : {2, 4}) {
    CAPTURE(prefetch);
    std::atomic<int> at_work{0}, most{0};
    rolewise::support::prefetched elements{
        [&](std::int64_t i) {
          const int progress = ++at_work;
          int before = most;
          while (before < progress && !most.compare_exchange_weak(before, progress)) {
          }
          // Waits until all threads are here, or for the timeout.
          (void)soon([&] { return most >= std::min(prefetch, 3); });
          --at_work;
          return i;
        },
        0, 12, prefetch, 3};
    while (elements.next()) {
    }
    CHECK(most == std::min(prefetch, 3));
  }
}

TEST_CASE("an exception in the background is rethrown at its element")
{
  for (const std::int64_t prefetch : {0, 1, 3})
    for (const std::int64_t threads : {1, 2, 4}) {
      CAPTURE(prefetch);
      CAPTURE(threads);
      std::atomic<std::int64_t> last{0};
      rolewise::support::prefetched elements{[&](std::int64_t i) {
                                               last = std::max<std::int64_t>(last, i);
                                               if (i == 5) throw std::runtime_error{"no fifth"};
                                               return 10 * i;
                                             },
                                             2, 90, prefetch, threads};
      for (const std::int64_t want : {20, 30, 40}) CHECK(elements.next().value() == want);
      CHECK_THROWS_WITH_AS((void)elements.next(), "no fifth", std::runtime_error);
      CHECK_THROWS_WITH_AS((void)elements.next(), "no fifth", std::runtime_error);
      CHECK(last <= 5 + prefetch);
      if (threads == 1) CHECK(last == 5);  // nothing is begun after it
    }
}

TEST_CASE("leaving early waits only for work under way")
{
  for (const std::int64_t threads : {1, 3})
    for (const int taken : {0, 1, 4}) {
      std::atomic<int> begun{0}, done{0};
      {
        rolewise::support::prefetched elements{
            [&](std::int64_t i) {
              ++begun;
              std::this_thread::sleep_for(std::chrono::milliseconds{1});
              ++done;
              return i;
            },
            0, 1000, 3, threads};
        for (int i = 0; i < taken; ++i) CHECK(elements.next().value() == i);
      }
      CHECK(begun == done);
      CHECK(begun <= taken + 3);
    }
}

TEST_CASE("what was taken is gone before more than ahead others are made")
{
  // As with buffers: the storage of element k is used again for element k + ahead + 1.
  for (const std::int64_t threads : {1, 2, 4}) {
    constexpr std::int64_t prefetch = 3;
    std::vector<std::shared_ptr<std::int64_t>> rooms(prefetch + 1);
    for (auto& room : rooms) room = std::make_shared<std::int64_t>(-1);
    std::atomic<bool> was_free{true};
    rolewise::support::prefetched elements{
        [&](std::int64_t i) {
          auto& room = rooms[static_cast<std::size_t>(i % (prefetch + 1))];
          if (room.use_count() != 1) was_free = false;
          *room = i;
          return room;
        },
        0, 400, prefetch, threads};
    std::int64_t wanted = 0;
    while (auto element = elements.next()) CHECK(**element == wanted++);
    CHECK(wanted == 400);
    CHECK(was_free);
  }
}
