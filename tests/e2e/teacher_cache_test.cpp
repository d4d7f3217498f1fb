// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A process that fills a teacher cache is killed with SIGKILL at random instants, some of them
// while the file is created; after each kill, the contents are read and compared. The child process
// is this program again, controlled by an environment variable.
#include "support/doctest.hpp"

#include "support/child.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/cached.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/teacher/frozen.hpp>

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

using namespace rolewise;
using rolewise::testing::is_over;
using rolewise::testing::kill_child;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;
using clock_type = std::chrono::steady_clock;

namespace {

constexpr const char* path_variable = "ROLEWISE_KILLED_CACHE";
constexpr std::int64_t views = 40, samples = 96, classes = 1000;

dataset the_data()
{
  auto data = tiny_data(samples);
  data.shape.classes = classes;  // rows of four kilobytes, most of which span two pages
  return data;
}

const cyclic_views<pad_crop_flip> crops{.views = views, .agent = {.padding = 1}};

frozen_teacher<tiny_student> the_teacher()
{
  return frozen(tiny_student{{1, 3, 3, classes}, seed{3}});
}

/// A teacher with the fingerprint of another one that returns NaN: marks cache misses.
struct speechless {
  [[maybe_unused]] static constexpr bool has_state = false;
  std::uint64_t sum;

  outputs forward(const batch& examples, taps = {}) const
  {
    return {torch::full({examples.size(), classes}, std::numeric_limits<float>::quiet_NaN()), {}};
  }
  std::uint64_t fingerprint() const { return sum; }
};

batch view_of(const batch& examples, std::int64_t epoch)
{
  return make_views(examples, crops, no_agent{}, no_agent{}, {.epoch = epoch}, seed{5}).teacher;
}

/// The work of a child process: fills the cache.
void fill(const std::string& path)
{
  at::set_num_threads(1);
  const auto data = the_data();
  const auto teacher = cached(the_teacher(), data,
                              shown_views{.teacher_agent = crops, .seed = seed{5}}, {.path = path});
  for (std::int64_t epoch = 0; epoch < views; ++epoch)
    for (const auto& part : batches(data, {.size = 16, .epoch = epoch}))
      (void)teacher.forward(view_of(part, epoch));
}

pid_t start_child(const std::string& path)
{
  return rolewise::testing::start_child(path_variable, path, "e2e/teacher_cache_test.cpp");
}

/// Whether a row of the file has been written (format: docs/teacher_cache.md).
bool has_row(const std::string& path, std::int64_t row)
{
  constexpr std::int64_t head = 4096, row_bytes = 16 + 4 * classes;
  std::ifstream in{path, std::ios::binary};
  std::uint64_t sum = 0;
  in.seekg(head + row * row_bytes);
  in.read(reinterpret_cast<char*>(&sum), sizeof sum);
  return in.good() && sum != 0;
}

/// Checks that all logits in the file are the teacher's; returns their number of rows.
std::int64_t checked(const std::string& path)
{
  const auto data = the_data();
  const auto plain = the_teacher();
  const auto teacher = cached(speechless{plain.fingerprint()}, data,
                              shown_views{.teacher_agent = crops, .seed = seed{5}},
                              {.path = path, .read_only = true});
  std::int64_t there = 0;
  for (std::int64_t epoch = 0; epoch < views; ++epoch)
    for (const auto& part : batches(data, {.size = 16, .epoch = epoch})) {
      const auto view = view_of(part, epoch);
      const auto found = teacher.forward(view).logits;
      const auto has_entry = found.isnan().logical_not().all(1);
      CHECK(torch::equal(found.isnan().any(1), has_entry.logical_not()));
      const auto wanted = plain.forward(view).logits;
      CHECK(found.eq(wanted).all(1).logical_or(has_entry.logical_not()).all().item<bool>());
      there += has_entry.sum().item<std::int64_t>();
    }
  CHECK(there == teacher.size());
  return there;
}

}  // namespace

TEST_CASE("killed at twenty instants, a teacher cache holds right logits and nothing else")
{
  if (const char* path = std::getenv(path_variable)) {
    fill(path);
    return;
  }
  const auto folder = (std::filesystem::temp_directory_path() /
                       ("rolewise-killed-cache-" + std::to_string(::getpid())))
                          .string();
  std::filesystem::create_directories(folder);
  const auto path = folder + "/cache", part = path + ".part";

  int status = 0;
  const auto began = clock_type::now();
  REQUIRE(::waitpid(start_child(path), &status, 0) > 0);
  REQUIRE(status == 0);
  const auto length = std::chrono::duration<double, std::micro>(clock_type::now() - began).count();
  REQUIRE(checked(path) == views * samples);

  const draws instants{seed{20}, 0, 0};
  int kills = 0, in_the_making = 0, half_full = 0;
  std::filesystem::remove(path);
  for (std::int64_t before = 0; kills < 20;) {
    const auto number = static_cast<std::uint64_t>(kills);
    const bool makes = kills % 4 == 0;
    if (makes) {
      std::filesystem::remove(path);
      std::filesystem::remove(part);
      before = 0;
    }
    const auto child = start_child(path);
    REQUIRE(child > 0);
    bool is_alive = true;
    const auto wait_until = [&](auto&& reached) {
      while (is_alive && !reached()) {
        std::this_thread::sleep_for(std::chrono::microseconds{50});
        is_alive = !is_over(child, status);
      }
    };
    // Of four children, one is killed while it creates the file, one at a random instant, two soon
    // after a given row has been written.
    double pause = instants.uniform(number, 0, 300);
    if (makes) {
      wait_until(
          [&] { return ::access(part.c_str(), F_OK) == 0 || ::access(path.c_str(), F_OK) == 0; });
    } else if (kills % 4 == 1) {
      pause = instants.uniform(number, 0.0, length);
    } else {
      const auto view = std::min(views - 1, before / samples + 1 + kills % 4 * 4);
      const auto row = view * samples + static_cast<std::int64_t>(number);
      wait_until([&] { return has_row(path, row); });
    }
    const auto until =
        clock_type::now() + std::chrono::microseconds{static_cast<std::int64_t>(pause)};
    wait_until([&] { return clock_type::now() >= until; });
    if (is_alive && kill_child(child, status))
      ++kills;
    else
      REQUIRE(status == 0);
    if (std::filesystem::exists(part)) ++in_the_making;
    std::int64_t there = 0;
    if (std::filesystem::exists(path)) {
      there = checked(path);
      if (there > 0 && there < views * samples) ++half_full;
    }
    CHECK(there >= before);
    before = there;
    if (there == views * samples) {
      std::filesystem::remove(path);
      before = 0;
    }
  }
  REQUIRE(::waitpid(start_child(path), &status, 0) > 0);
  CHECK(status == 0);
  CHECK(checked(path) == views * samples);
  CHECK_FALSE(std::filesystem::exists(part));
  MESSAGE(kills, " kills, ", in_the_making, " while the file was made, ", half_full,
          " left some of the answers");
  CHECK(half_full >= 5);
  std::filesystem::remove_all(folder);
}
