// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A search is killed with SIGKILL at random instants, and resumed each time. The child process is
// this program again, controlled by an environment variable.
#include "support/doctest.hpp"

#include "support/child.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/core/draws.hpp>
#include <rolewise/search/search_history_file.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/train/checkpoint.hpp>
#include <rolewise/train/run_search.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/supervised.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using namespace rolewise;
using namespace std::chrono_literals;
using rolewise::testing::is_over;
using rolewise::testing::kill_child;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

namespace {

constexpr const char* folder_variable = "ROLEWISE_KILLED_SEARCH";
constexpr std::int64_t trials = 4, epochs = 12;

/// A strategy: the worst trial copies the best one and continues at a random configuration. In
/// every third round up to the ninth, the copied state is one round old.
struct worst_becomes_best {
  static constexpr std::string_view name = "worst-becomes-best";
  static constexpr bool reads_history = true;
  [[nodiscard]] std::vector<search::decision> operator()(
      const search::search_space& space, const std::vector<search::trial_state>& all,
      seed key) const
  {
    const auto draw = [&](const search::trial_state& s) {
      return space.sample(
          key.split(static_cast<std::uint64_t>(s.trial)).split(std::uint64_t{s.past.size()}));
    };
    const auto worse = [](const search::trial_state& a, const search::trial_state& b) {
      return a.score < b.score;
    };
    const auto& best = *std::max_element(all.begin(), all.end(), worse);
    const auto& worst = *std::min_element(all.begin(), all.end(), worse);
    std::vector<search::decision> decisions;
    for (const auto& s : all) {
      if (s.finished) continue;
      if (!s.at)
        decisions.emplace_back(search::start_trial{s.trial, draw(s)});
      else if (s.trial == worst.trial && best.trial != worst.trial)
        decisions.emplace_back(search::exploit_trial{
            best.trial, s.trial, draw(s), s.past.size() % 3 == 2 && s.past.size() < 9 ? 1 : 0});
      else
        decisions.emplace_back(search::keep_trial{s.trial});
    }
    return decisions;
  }
};

/// The work of a child process. Wide layers make checkpoint writes long relative to epochs, so that
/// many kills interrupt one.
void search_in(const std::string& folder)
{
  const auto data = tiny_data(48), validation = tiny_data(60, seed{9}, "validation");
  (void)run_search(
      worst_becomes_best{},
      {{"rate", search::real_interval{1e-3, 0.3, search::spacing::logarithmic}}},
      [&](const search::configuration& at, std::int64_t, seed own) {
        return supervised{.student = tiny_student{data.shape, own, 3000},
                          .optimizer = sgd{.learning_rate = at.real("rate")},
                          .seed = own};
      },
      [&](const auto& step) { return -evaluate(step.evaluated(), validation).loss; }, data,
      {.trials = trials,
       .epochs = epochs,
       .batch_size = 16,
       .seed = seed{5},
       .max_concurrent_trials = 2,
       .threads_per_trial = 1,
       .folder = folder});
}

pid_t start_child(const std::string& folder)
{
  return rolewise::testing::start_child(folder_variable, folder, "e2e/search_kill_test.cpp");
}

/// A temporary folder, removed by the destructor.
struct folder_of_search {
  std::string path;
  explicit folder_of_search(const std::string& name)
      : path{(std::filesystem::temp_directory_path() /
              ("rolewise-search-kill-" + std::to_string(::getpid()) + "-" + name))
                 .string()}
  {
    std::filesystem::create_directories(path);
  }
  folder_of_search(const folder_of_search&) = delete;
  folder_of_search& operator=(const folder_of_search&) = delete;
  ~folder_of_search() { std::filesystem::remove_all(path); }

  [[nodiscard]] search::search_history history() const
  {
    return search::read_search_history(path + "/history.jsonl");
  }
  /// Size of the history in bytes; 0 without one.
  [[nodiscard]] std::int64_t length() const
  {
    std::error_code missing;
    const auto bytes = std::filesystem::file_size(path + "/history.jsonl", missing);
    return missing ? 0 : static_cast<std::int64_t>(bytes);
  }
  /// The names of all files, also of those that a kill has left partial or not yet needed.
  [[nodiscard]] std::set<std::string> files() const
  {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{path})
      names.insert(entry.path().filename().string());
    return names;
  }
};

void check_same(const folder_of_search& found, const folder_of_search& wanted)
{
  CHECK((found.history() == wanted.history()));
  CHECK((found.files() == wanted.files()));
  for (const auto& name : wanted.files())
    if (name != "history.jsonl")
      CHECK((rolewise::detail::encode(read_snapshot(found.path + "/" + name)) ==
             rolewise::detail::encode(read_snapshot(wanted.path + "/" + name))));
}

}  // namespace

TEST_CASE("killed at twenty instants and resumed, a search ends with the same bits")
{
  if (const char* folder = std::getenv(folder_variable)) {
    search_in(folder);
    return;
  }

  const folder_of_search whole{"whole"};
  int status = 0;
  REQUIRE(::waitpid(start_child(whole.path), &status, 0) > 0);
  REQUIRE(status == 0);
  const auto history = whole.history();
  const auto copies =
      std::count_if(history.events.begin(), history.events.end(),
                    [](const auto& e) { return e.what == search::search_event::kind::copied; });
  CHECK(copies > 5);
  CHECK(std::any_of(history.events.begin(), history.events.end(),
                    [](const auto& e) { return e.from_epoch && *e.from_epoch < e.epoch; }));

  const draws instants{seed{20}, 0, 0};
  int kills = 0, attempts = 0, inside_writes = 0, finished = 0;
  while (kills < 20 || finished == 0) {
    const folder_of_search killed{std::to_string(finished)};
    for (bool is_finished = false; !is_finished;) {
      for (const auto& name : killed.files())  // of an earlier kill
        if (name.ends_with(".part")) std::filesystem::remove(killed.path + "/" + name);
      const pid_t child = start_child(killed.path);
      REQUIRE(child > 0);
      // Kills after a random number of further bytes of history and a short random delay.
      const auto number = static_cast<std::uint64_t>(attempts++);
      const auto until = killed.length() + instants.below(2 * number, 1600);
      const auto later = instants.uniform(2 * number + 1, 0.0, 0.006);
      bool is_alive = true;
      while (is_alive && (kills >= 20 || killed.length() < until)) {
        std::this_thread::sleep_for(100us);
        is_alive = !is_over(child, status);
      }
      if (is_alive) {
        std::this_thread::sleep_for(std::chrono::duration<double>(later));
        is_alive = !is_over(child, status);
      }
      if (is_alive && kill_child(child, status)) {
        ++kills;
        for (const auto& name : killed.files()) inside_writes += name.ends_with(".part") ? 1 : 0;
        // Three states per trial, as the strategy copies earlier states; the history; two being
        // written.
        CHECK(killed.files().size() <= 3 * trials + 3);
      } else {
        REQUIRE(status == 0);
        is_finished = true;
      }
    }
    check_same(killed, whole);
    ++finished;
  }
  MESSAGE(kills, " kills, ", inside_writes, " half-written files; ", finished,
          " searches were finished and compared");
}
