// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A run is killed with SIGKILL at random instants and during checkpoint writes, and resumed each
// time. The child process is this program again, controlled by an environment variable.
#include "support/doctest.hpp"

#include "support/child.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/loss/contrastive_representation_distillation.hpp>
#include <rolewise/loss/correlation_congruence.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/adamw.hpp>
#include <rolewise/train/checkpoint.hpp>
#include <rolewise/train/checkpoints.hpp>
#include <rolewise/train/csv.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/early_stop.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/json_lines.hpp>

#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using namespace rolewise;
using namespace std::chrono_literals;
using rolewise::testing::is_over;
using rolewise::testing::kill_child;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_tapped_student;
using clock_type = std::chrono::steady_clock;

namespace {

constexpr const char* folder_variable = "ROLEWISE_KILLED_RUN";

/// The work of a child process. Wide layers make checkpoint writes long relative to epochs, so that
/// many kills interrupt one.
void train_in(const std::string& folder)
{
  at::set_num_threads(1);
  const auto data = tiny_data(96), validation = tiny_data(40, seed{9}, "validation");
  // Losses with memories that move after each step, and with learned adapters.
  const contrastive_representation_distillation<tap::penultimate> contrast{
      .labels = data.labels, .negatives = 32, .embedding_size = 64, .seed = seed{6}};
  distillation step{
      .teacher = frozen(tiny_tapped_student{data.shape, seed{2}, 24}),
      .student = tiny_tapped_student{data.shape, seed{3}, 6000},
      .student_agent = pad_crop_flip{},
      .loss = cross_entropy{} + 0.8 * contrast + correlation_congruence<tap::penultimate>{},
      .optimizer = adamw{.learning_rate = 0.003},
      .ema = ema{.decay = 0.9},
      .seed = seed{4}};
  (void)fit(
      step, data,
      {.epochs = 12, .batch_size = 16, .seed = seed{5}, .validation = &validation, .resume = true},
      json_lines{.path = folder + "/log.jsonl"}, csv{.path = folder + "/log.csv"},
      early_stop{.patience = 100}, checkpoints{.folder = folder});
}

pid_t start_child(const std::string& folder)
{
  return rolewise::testing::start_child(folder_variable, folder, "e2e/kill_resume_test.cpp");
}

/// A temporary folder, removed by the destructor.
struct folder_of_run {
  std::string path;
  explicit folder_of_run(const std::string& name)
      : path{(std::filesystem::temp_directory_path() /
              ("rolewise-kill-" + std::to_string(::getpid()) + "-" + name))
                 .string()}
  {
    std::filesystem::create_directories(path);
  }
  folder_of_run(const folder_of_run&) = delete;
  folder_of_run& operator=(const folder_of_run&) = delete;
  ~folder_of_run() { std::filesystem::remove_all(path); }
};

std::vector<std::string> lines_of(const std::string& path)
{
  std::vector<std::string> lines;
  std::ifstream in{path};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// The contents of a checkpoint without times: wall-clock seconds, and lengths and checksums of
/// logs that contain such seconds.
std::string contents(const std::string& path)
{
  auto entries = read_snapshot(path);
  std::erase_if(entries, [](const state_entry& entry) {
    return entry.name == "history.seconds" || entry.name.ends_with("log.length") ||
           entry.name.ends_with("log.sum");
  });
  return rolewise::detail::encode(entries);
}

void check_same(const std::string& found, const std::string& wanted)
{
  CHECK((contents(found + "/last.checkpoint") == contents(wanted + "/last.checkpoint")));
  CHECK((contents(found + "/best.checkpoint") == contents(wanted + "/best.checkpoint")));
  const auto json = [](const std::string& folder) {
    std::vector<nlohmann::json> records;
    for (const auto& line : lines_of(folder + "/log.jsonl")) {
      records.push_back(nlohmann::json::parse(line));
      records.back().erase("seconds");
    }
    return records;
  };
  CHECK(json(found).size() == 12);
  CHECK((json(found) == json(wanted)));
  const auto table = [](const std::string& folder) {
    auto rows = lines_of(folder + "/log.csv");
    for (auto& row : rows) row.resize(row.rfind(','));
    return rows;
  };
  CHECK((table(found) == table(wanted)));
}

/// The partial files of writes in progress or interrupted by a kill.
std::vector<std::filesystem::path> parts_in(const std::string& folder)
{
  std::vector<std::filesystem::path> parts;
  for (const auto& entry : std::filesystem::directory_iterator{folder})
    if (entry.path().extension() == ".part") parts.push_back(entry.path());
  return parts;
}

/// Waits until `more` checkpoint writes have been observed and another one begins; false if the
/// child ends before.
bool wait_for_writes(const std::string& folder, int more, pid_t child, int& status)
{
  bool was_there = false;
  while (!is_over(child, status)) {
    const bool is_there = !parts_in(folder).empty();
    if (is_there && !was_there && more-- == 0) return true;
    was_there = is_there;
    std::this_thread::sleep_for(50us);
  }
  return false;
}

}  // namespace

TEST_CASE("killed at twenty instants and resumed, a run ends with the same bits")
{
  if (const char* folder = std::getenv(folder_variable)) {
    train_in(folder);
    return;
  }

  const folder_of_run whole{"whole"};
  const auto began = clock_type::now();
  int status = 0;
  REQUIRE(::waitpid(start_child(whole.path), &status, 0) > 0);
  REQUIRE(status == 0);
  const auto length =
      std::chrono::duration_cast<std::chrono::microseconds>(clock_type::now() - began);

  const draws instants{seed{20}, 0, 0};
  int kills = 0, inside_writes = 0, finished = 0;
  for (int run = 0; kills < 20; ++run) {
    const folder_of_run killed{std::to_string(run)};
    for (bool is_finished = false; !is_finished;) {
      // A partial file of an earlier kill would be attributed to this one.
      for (const auto& part : parts_in(killed.path)) std::filesystem::remove(part);
      const pid_t child = start_child(killed.path);
      REQUIRE(child > 0);
      const auto number = static_cast<std::uint64_t>(kills);
      bool is_alive = true;
      if (kills >= 20) {
        is_alive = false;
        REQUIRE(::waitpid(child, &status, 0) == child);
      } else if (kills % 2 == 0) {
        is_alive = wait_for_writes(killed.path, static_cast<int>(instants.below(number, 4)), child,
                                   status);
      } else {
        const auto until =
            clock_type::now() +
            std::chrono::microseconds{static_cast<std::int64_t>(
                instants.uniform(number, 0.3, 0.9) * static_cast<double>(length.count()))};
        while (is_alive && clock_type::now() < until) {
          std::this_thread::sleep_for(200us);
          is_alive = !is_over(child, status);
        }
      }
      if (is_alive && kill_child(child, status)) {
        ++kills;
        if (!parts_in(killed.path).empty()) ++inside_writes;
      } else {
        REQUIRE(status == 0);
        is_finished = true;
      }
    }
    check_same(killed.path, whole.path);
    ++finished;
  }
  MESSAGE(kills, " kills, ", inside_writes, " of them left a half-written file; ", finished,
          " runs were finished and compared");
  CHECK(inside_writes >= 1);
}
